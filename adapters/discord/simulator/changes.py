"""Change a world while a client watches: each change with the gateway event that Discord would send.

https://docs.discord.com/developers/events/gateway-events#guilds
"""

from adapters.discord.simulator.changing import Changing
from adapters.discord.simulator.channel_changes import ChannelChanges
from adapters.discord.simulator.model import Guild
from adapters.discord.simulator.payloads import gateway_guild_payload, guild_create, unavailable_guild
from adapters.discord.simulator.thread_changes import ThreadChanges


class GuildChanges(Changing):
    """Joining and leaving guilds, their outages and their names."""

    def join_guild(self, guild: Guild, *, silent: bool = False) -> None:
        """Someone adds the bot to a guild. Without the key ``unavailable``: so discord.py tells a join."""
        guild.joined_at = self._tick()
        self.world.guilds[guild.id] = guild
        self._tell("GUILD_CREATE", guild, guild_create(self.world, guild), silent)

    def leave_guild(self, guild_id: int, *, silent: bool = False) -> Guild:
        """The bot is removed from a guild, or the guild is deleted; returned, so that it can be joined again."""
        self._tick()
        guild = self.world.guilds.pop(guild_id)
        self._tell("GUILD_DELETE", guild, {"id": str(guild_id)}, silent)
        return guild

    def rename_guild(self, guild_id: int, name: str, *, silent: bool = False) -> None:
        """Give a guild another name."""
        guild = self.world.guilds[guild_id]
        self._tick()
        guild.name = name
        self._tell("GUILD_UPDATE", guild, gateway_guild_payload(guild), silent)

    def set_guild_unavailable(self, guild_id: int, *, silent: bool = False) -> None:
        """Discord has an outage there."""
        guild = self.world.guilds[guild_id]
        self._tick()
        self._tell("GUILD_DELETE", guild, unavailable_guild(guild), silent)
        guild.unavailable = True

    def set_guild_available(self, guild_id: int, *, silent: bool = False) -> None:
        """The outage is over."""
        guild = self.world.guilds[guild_id]
        self._tick()
        guild.unavailable = False
        self._tell("GUILD_CREATE", guild, guild_create(self.world, guild) | {"unavailable": False}, silent)


class Changes(ThreadChanges, ChannelChanges, GuildChanges):
    """Make anything happen that a test or the demo needs.

    With ``silent`` the world changes and no event is sent, as if the bot had been offline.
    """
