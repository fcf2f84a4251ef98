"""Finding what a request's path names, with Discord's refusals where there is no such thing or no access to it."""

from aiohttp import web

from adapters.discord.simulator.model import Channel, Guild, World
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY, can_open, permissions
from adapters.discord.simulator.query import path_id
from adapters.discord.simulator.responses import Refused, missing_access, unknown
from adapters.discord.simulator.store import Payload


class Places:
    """The guilds, channels and messages of a world, by request. Every method raises `Refused`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def guild(self, request: web.Request) -> Guild:
        """Return a guild that the bot is in."""
        guild = self._world.guilds.get(path_id(request, "guild_id"))
        if guild is None:
            raise unknown("Guild", 10004)
        return _available(guild)

    def known_channel(self, request: web.Request) -> tuple[Guild, Channel]:
        """Return a channel or thread that exists, visible to the bot or not."""
        found = self._world.find(path_id(request, "channel_id"))
        if found is None:
            raise unknown("Channel", 10003)
        return _available(found[0]), found[1]

    def open_channel(self, request: web.Request) -> tuple[Guild, Channel]:
        """Return a channel whose messages the bot may request, though it may be shown none."""
        guild, channel = self.known_channel(request)
        if not can_open(guild, channel):
            raise missing_access()
        return guild, channel

    def read_channel(self, request: web.Request) -> tuple[Guild, Channel]:
        """Return a channel whose history the bot may read."""
        guild, channel = self.open_channel(request)
        if not permissions(guild, channel, "bot") & READ_MESSAGE_HISTORY:
            raise Refused(403, 50013, "Missing Permissions")
        return guild, channel

    def message(self, request: web.Request) -> tuple[Channel, Payload]:
        """Return a message, with the channel it is in."""
        _, channel = self.read_channel(request)
        message = channel.messages.get(path_id(request, "message_id"))
        if message is None:
            raise unknown("Message", 10008)
        return channel, message


def _available(guild: Guild) -> Guild:
    """During an outage Discord's API cannot answer for the guild either."""
    if guild.unavailable:
        raise Refused(503, 0, "503: Service Unavailable")
    return guild
