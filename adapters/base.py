"""The seam between platforms and everything else: what an adapter does, and the errors a caller acts on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from adapters.records import ChannelRecord, MessageRecord, SkipReason, TenantRecord

T = TypeVar("T")

ThreadCursor: TypeAlias = Mapping[str, str]
"""How far a channel's archived threads have been listed. Only the adapter that made it can read it."""


class PlatformOptions(BaseModel):
    """A platform's section of the configuration; each platform adds its own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_create_tenants: bool = True


class PlatformError(Exception):
    """The platform did not do what was asked."""

    code: ClassVar[str] = "platform_error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class CallFailed(PlatformError):
    """A call failed, also after its retries. Give the channel up."""

    code = "call_failed"

    def __init__(self, message: str, *, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


class ChannelUnreadable(PlatformError):
    """A channel cannot be read and will not be by asking again. Skip it, with the reason."""

    code = "channel_unreadable"

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(f"the platform refuses to show this channel: {reason}")
        self.reason = reason


class RateLimited(PlatformError):
    """The platform asks us to slow down. End the job; nothing more may be sent for it."""

    code = "rate_limited"

    def __init__(self, *, retry_after_seconds: float, scope: str) -> None:
        super().__init__(f"rate limited by the platform (scope {scope}) for {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds
        self.scope = scope

    @property
    def is_global(self) -> bool:
        """Whether every tenant has to wait, not this one alone."""
        return self.scope in ("global", "cloudflare")


class TenantUnavailable(PlatformError):
    """The bot is not in this community, or the platform has an outage there. End the job."""

    code = "tenant_unavailable"


class ContentWithheld(PlatformError):
    """The bot lacks the privilege to read message content. End the job: the platform would send blanks."""

    code = "content_withheld"


class CredentialRefused(PlatformError):
    """The platform refuses the bot's token or what it asks for. Stop the process: trying again cannot help."""

    code = "credential_refused"


@dataclass(frozen=True, slots=True)
class TenantsReady:
    """Connected: these, and only these, are the communities the bot is in."""

    tenants: tuple[TenantRecord, ...]


@dataclass(frozen=True, slots=True)
class TenantJoined:
    """The bot was added to a community, or one became available, or its name changed."""

    tenant: TenantRecord


@dataclass(frozen=True, slots=True)
class TenantLeft:
    """The bot was removed from a community. An outage is not this."""

    platform_id: str


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """The platform said that a channel or thread was deleted."""

    tenant_platform_id: str
    channel_platform_id: str


PlatformEvent: TypeAlias = TenantsReady | TenantJoined | TenantLeft | ChannelDeleted
Listener: TypeAlias = Callable[[PlatformEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Some archived threads of a channel, and the cursor that is true once they are stored."""

    threads: tuple[ChannelRecord, ...]
    cursor: ThreadCursor


@dataclass(frozen=True, slots=True)
class CallCounts:
    """What a session has asked of the platform so far."""

    requests: int
    retries: int


class PlatformSession(Protocol):
    """What one sync may ask of a platform. Every method may raise the errors above, none other."""

    @property
    def counts(self) -> CallCounts:
        """Requests sent and, among them, retries."""
        ...

    async def channels(self) -> tuple[ChannelRecord, ...]:
        """Every channel of the community and every active thread, evaluated afresh; parents before children."""
        ...

    def archived_threads(self, channel_id: str, cursor: ThreadCursor | None) -> AsyncIterator[ThreadPage]:
        """The archived threads of a channel that ``cursor`` does not cover yet. None covers nothing."""
        ...

    async def find_channel(self, channel_id: str) -> SkipReason | None:
        """Why a channel that no listing shows any more cannot be read; None where it can."""
        ...

    async def messages(
        self, channel_id: str, after: str | None, *, parent_id: str | None = None
    ) -> tuple[MessageRecord, ...]:
        """The oldest messages with an id beyond ``after``, ascending. Empty only where there are none.

        ``parent_id`` is the channel of a thread.
        """
        ...


class PlatformAdapter(Protocol):
    """One platform, through one bot."""

    name: ClassVar[str]

    async def run(self, listener: Listener) -> None:
        """Stay connected until cancelled, telling ``listener`` what happens.

        Raises:
            CredentialRefused: the platform will not have this bot.
        """
        ...

    @property
    def unready_reason(self) -> str | None:
        """Why the platform cannot be used at present, in plain words; None where it can."""
        ...

    def is_member(self, tenant_platform_id: str) -> bool:
        """Whether the bot is in this community."""
        ...

    @property
    def invite_url(self) -> str | None:
        """Where an administrator adds the bot to a community; None before the first connection."""
        ...

    async def sync(self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]]) -> T:
        """Run ``body`` with a session; the first rate limit ends it at once, whatever it is waiting for.

        Raises:
            RateLimited, TenantUnavailable, ContentWithheld, CredentialRefused: the job has to end.
        """
        ...
