"""Which messages of a channel changed while its pages were on their way.

A page and an event can cross: then nobody knows which of the two is newer, and the message is read again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.live.buffer import Key
from storage.live import ChannelKey


@dataclass(slots=True)
class EventCount:
    """How many events came in so far."""

    value: int = 0


@dataclass(slots=True)
class ChangeTracker:
    """The messages of one channel that events were about, and how many events had come in by then."""

    _count: EventCount
    marks: dict[str, int] = field(default_factory=dict)

    def mark(self) -> int:
        """Return a mark to ask ``changed_since`` about later."""
        return self._count.value

    def changed_since(self, mark: int, message_ids: Iterable[str]) -> set[str]:
        """Find those of the messages that events were about since a mark."""
        return {i for i in message_ids if self.marks.get(i, -1) > mark} if self.marks else set()


class ChangeTrackers:
    """The trackers of all channels that are being read."""

    def __init__(self) -> None:
        self._count = EventCount()
        self._trackers: dict[ChannelKey, list[ChangeTracker]] = {}

    @contextmanager
    def tracking(self, tenant_id: str, channel_platform_id: str) -> Iterator[ChangeTracker]:
        """Track what changes in a channel while its pages are read."""
        key = tenant_id, channel_platform_id
        tracker = ChangeTracker(self._count)
        beside = self._trackers.setdefault(key, [])  # each reader has its own, and receives every change
        beside.append(tracker)
        try:
            yield tracker
        finally:
            beside[:] = [other for other in beside if other is not tracker]
            if not beside:
                self._trackers.pop(key, None)

    def note(self, keys: Iterable[Key]) -> None:
        """Note an event that is about these messages."""
        self._count.value += 1
        for tenant_id, channel_id, message_id in keys:
            for tracker in self._trackers.get((tenant_id, channel_id), ()):
                tracker.marks[message_id] = self._count.value
