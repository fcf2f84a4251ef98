"""Platforms by name. A new one is a folder beside adapters/discord and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.options import PlatformOptions


@dataclass(frozen=True, slots=True)
class Platform:
    """How to make a platform's adapter.

    ``make`` takes keyword arguments: token (str), options (of its own type), hasher (UserHasher) and observer
    (RequestObserver). ``message_url`` takes the platform's ids of a community, a channel and a message.
    """

    options: type[PlatformOptions]
    token_variable: str  # the environment variable that holds its secret
    id_pattern: str  # as of its adapter
    make: Callable[..., PlatformAdapter]
    message_url: Callable[[str, str, str], str]  # where the platform itself shows a message


PLATFORMS: dict[str, Platform] = {
    "discord": Platform(
        DiscordOptions, "DISCORD_BOT_TOKEN", DiscordAdapter.id_pattern, DiscordAdapter, DiscordAdapter.message_url
    ),
}
