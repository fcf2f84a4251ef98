"""Platforms by name. A new one is a folder beside adapters/discord and a line here."""

from adapters.discord.adapter import DiscordAdapter

ADAPTERS = {DiscordAdapter.name: DiscordAdapter}
