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
    (RequestObserver).
    """

    options: type[PlatformOptions]
    token_variable: str  # the environment variable that holds its secret
    id_pattern: str  # as of its adapter
    make: Callable[..., PlatformAdapter]


PLATFORMS: dict[str, Platform] = {
    "discord": Platform(DiscordOptions, "DISCORD_BOT_TOKEN", DiscordAdapter.id_pattern, DiscordAdapter),
}
