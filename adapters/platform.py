"""How a platform is configured, and how its adapter is made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.base import PlatformAdapter
from adapters.options import PlatformOptions
from adapters.words import PlatformWords


@dataclass(frozen=True, slots=True)
class TenantToken:
    """The token of one community, and the setting that holds it: who is told of a refusal has to find it."""

    value: str = field(repr=False)
    setting: str


@dataclass(frozen=True, slots=True)
class Platform:
    """How to make a platform's adapter.

    ``make`` takes keyword arguments: options (of its own type), hasher (UserHasher), observer (RequestObserver), and
    token (str) or, where each community has a token of its own, tokens (a TenantToken each, by the platform's ids).
    ``message_url`` takes the platform's ids of a community, a channel and a message.
    """

    options: type[PlatformOptions]
    token_variable: str  # the environment variable that holds its secret, or what those of its communities begin with
    id_pattern: str  # as of its adapter, and the next two
    user_id_pattern: str
    words: PlatformWords
    make: Callable[..., PlatformAdapter]
    message_url: Callable[[str, str, str], str]  # where the platform itself shows a message
    has_tenant_tokens: bool = False  # each community has a token of its own

    def token_setting(self, platform_id: str = "<id>") -> str:
        """Return the environment variable that holds the token of a community."""
        return f"{self.token_variable}__{platform_id}" if self.has_tenant_tokens else self.token_variable
