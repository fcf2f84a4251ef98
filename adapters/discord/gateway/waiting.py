"""Keep new messages whose channel the gateway has not shown yet, until it does.

The first message of a thread or post may come before the thread itself.
"""

from collections import defaultdict

from adapters.discord.convert import Payload
from adapters.events import ChannelRef

_LARGEST = 1_000  # messages, of all channels
_LARGEST_DROPPED = 10_000  # channels whose messages were dropped


class WaitingMessages:
    """Bounded; of a channel whose messages had to be dropped it is remembered that there were some."""

    def __init__(self, largest: int = _LARGEST) -> None:
        self._largest = largest
        self._messages = defaultdict[ChannelRef, list[Payload]](list)
        self._count = 0
        self._dropped: dict[ChannelRef, None] = {}

    def add(self, channel: ChannelRef, message: Payload) -> None:
        """Keep a message; where there are too many, those of the channel that has waited longest are dropped."""
        self._messages[channel].append(message)
        self._count += 1
        if self._count > self._largest:
            oldest = next(iter(self._messages))
            self._count -= len(self._messages.pop(oldest))
            self._dropped[oldest] = None
            if len(self._dropped) > _LARGEST_DROPPED:
                del self._dropped[next(iter(self._dropped))]

    def take(self, channel: ChannelRef) -> list[Payload] | None:
        """Remove and return a channel's messages, in their order; None where some were dropped."""
        messages = self._messages.pop(channel, [])
        self._count -= len(messages)
        if channel in self._dropped:
            del self._dropped[channel]
            return None
        return messages
