"""Platforms by name. A new one is a folder beside adapters/discord and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.options import PlatformOptions
from adapters.words import PlatformWords


@dataclass(frozen=True, slots=True)
class Platform:
    """How to make a platform's adapter.

    ``make`` takes keyword arguments: token (str), options (of its own type), hasher (UserHasher) and observer
    (RequestObserver). ``message_url`` takes the platform's ids of a community, a channel and a message.
    """

    options: type[PlatformOptions]
    token_variable: str  # the environment variable that holds its secret
    id_pattern: str  # as of its adapter, and the next two
    user_id_pattern: str
    words: PlatformWords
    make: Callable[..., PlatformAdapter]
    message_url: Callable[[str, str, str], str]  # where the platform itself shows a message


PLATFORMS: dict[str, Platform] = {
    "discord": Platform(
        options=DiscordOptions,
        token_variable="DISCORD_BOT_TOKEN",  # noqa: S106 (a name)
        id_pattern=DiscordAdapter.id_pattern,
        user_id_pattern=DiscordAdapter.user_id_pattern,
        words=DiscordAdapter.words,
        make=DiscordAdapter,
        message_url=DiscordAdapter.message_url,
    ),
}
