"""Keep new messages whose channel the gateway has not shown yet, until it does.

The first message of a thread or post may come before the thread itself.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from adapters.discord.convert import Payload, snowflake
from adapters.events import ChannelRef

_LARGEST = 1_000  # messages, of all channels
_MOST_DROPPED = 10_000  # of which only the ids are kept


@dataclass(slots=True)
class Waiting:
    """What waits for one channel."""

    messages: list[Payload] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)  # the ids of messages that there was no place for


class WaitingMessages:
    """Bounded; of what there is no place for the ids are kept."""

    def __init__(self, largest: int = _LARGEST, most_dropped: int = _MOST_DROPPED) -> None:
        self._largest = largest
        self._most_dropped = most_dropped
        self._waiting = defaultdict[ChannelRef, Waiting](Waiting)
        self._count = self._dropped = 0

    def add(self, channel: ChannelRef, message: Payload) -> bool:
        """Keep a message; return False where there is no place for its id either."""
        message_id = snowflake(message.get("id"))
        if self._count < self._largest:
            self._waiting[channel].messages.append(message)
            self._count += 1
        elif message_id is not None and self._dropped < self._most_dropped:
            self._waiting[channel].dropped.append(message_id)
            self._dropped += 1
        else:
            return False
        return True

    def take(self, channel: ChannelRef) -> Waiting:
        """Remove and return what waits for a channel."""
        waiting = self._waiting.pop(channel, Waiting())
        self._count -= len(waiting.messages)
        self._dropped -= len(waiting.dropped)
        return waiting

    def forget(self, guild_id: str) -> None:
        """Remove what waits for the channels of a guild: it arrives anew, or is gone."""
        for channel in [channel for channel in self._waiting if channel.tenant_platform_id == guild_id]:
            self.take(channel)
