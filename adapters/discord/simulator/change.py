"""What happens in a world while it is being watched: each change with the gateway event Discord would send."""

from adapters.discord.simulator.channel_changes import ChannelChanges
from adapters.discord.simulator.guild_changes import GuildChanges
from adapters.discord.simulator.thread_changes import ThreadChanges

__all__ = ["Changes"]


class Changes(ThreadChanges, ChannelChanges, GuildChanges):
    """Everything that a test or the demo can make happen.

    Every method takes ``silent``: the world changes, and nobody is told, as if the bot had been offline.
    """
