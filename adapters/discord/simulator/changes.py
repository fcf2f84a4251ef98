"""Change a world while a client watches: each change with the gateway event that Discord would send.

https://docs.discord.com/developers/events/gateway-events#guilds
"""

from adapters.discord.simulator.changing import Changing
from adapters.discord.simulator.channel_changes import ChannelChanges
from adapters.discord.simulator.model import Guild
from adapters.discord.simulator.payloads import gateway_guild_payload, guild_create, unavailable_guild
from adapters.discord.simulator.thread_changes import ThreadChanges


class GuildChanges(Changing):
    """Join, leave and rename guilds, and begin and end their outages."""

    def join_guild(self, guild: Guild, *, silent: bool = False) -> None:
        """Add the bot to a guild. Without the key ``unavailable``: by that discord.py knows a join."""
        guild.joined_at = self._tick()
        self.world.guilds[guild.id] = guild
        self._dispatch("GUILD_CREATE", guild, guild_create(self.world, guild), silent)

    def leave_guild(self, guild_id: int, *, silent: bool = False) -> Guild:
        """Remove the bot from a guild; return the guild, so that it can be joined again."""
        self._tick()
        guild = self.world.guilds.pop(guild_id)
        self._dispatch("GUILD_DELETE", guild, {"id": str(guild_id)}, silent)
        return guild

    def rename_guild(self, guild_id: int, name: str, *, silent: bool = False) -> None:
        """Give a guild another name."""
        guild = self.world.guilds[guild_id]
        self._tick()
        guild.name = name
        self._dispatch("GUILD_UPDATE", guild, gateway_guild_payload(guild), silent)

    def set_guild_unavailable(self, guild_id: int, *, silent: bool = False) -> None:
        """Begin an outage in a guild."""
        guild = self.world.guilds[guild_id]
        self._tick()
        self._dispatch("GUILD_DELETE", guild, unavailable_guild(guild), silent)
        guild.unavailable = True

    def set_guild_available(self, guild_id: int, *, silent: bool = False) -> None:
        """End an outage in a guild."""
        guild = self.world.guilds[guild_id]
        self._tick()
        guild.unavailable = False
        self._dispatch("GUILD_CREATE", guild, guild_create(self.world, guild) | {"unavailable": False}, silent)


class Changes(ThreadChanges, ChannelChanges, GuildChanges):
    """Make anything happen that a test or the demo needs.

    With ``silent`` the world changes and no event is sent, as if the bot had been offline.
    """
