"""Which messages of a channel changed while its pages were on their way, and which channels while they were listed.

An answer and an event can cross: then nobody knows which of the two is newer. A message is read again; of a channel the
event is kept, since another one will come if it is the older.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TrackedKey = tuple[str, str | None]
"""A tenant (ours) and its channel by the platform's id; None: the tenant's channels themselves."""


@dataclass(slots=True)
class EventCount:
    """How many events came in so far."""

    value: int = 0


@dataclass(slots=True)
class ChangeTracker:
    """The messages of one channel, or a tenant's channels, that events were about, and how many had come in by then."""

    _count: EventCount
    marks: dict[str, int] = field(default_factory=dict)

    def mark(self) -> int:
        """Return a mark to ask ``changed_since`` about later."""
        return self._count.value

    def changed_since(self, mark: int, message_ids: Iterable[str]) -> set[str]:
        """Find those of the messages that events were about since a mark."""
        return {i for i in message_ids if self.marks.get(i, -1) > mark} if self.marks else set()

    def changed(self) -> Collection[str]:
        """Return all that events were about."""
        return self.marks.keys()


class ChangeTrackers:
    """The trackers of all channels that are being read."""

    def __init__(self) -> None:
        self._count = EventCount()
        self._trackers: dict[TrackedKey, list[ChangeTracker]] = {}

    @contextmanager
    def tracking(self, tenant_id: str, channel_platform_id: str | None) -> Iterator[ChangeTracker]:
        """Track what changes in a channel while its pages are read; None: of the channels while they are listed."""
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

    def note(self, keys: Iterable[tuple[str, str | None, str]], *, includes_threads: bool = False) -> None:
        """Note an event that is about these messages, or channels (with None for the channel).

        One that may be about a thread's message is noted of every channel of its tenant: reading a message once more
        does no harm.
        """
        self._count.value += 1
        for tenant_id, channel_id, message_id in keys:
            places: Iterable[TrackedKey] = [(tenant_id, channel_id)]
            if includes_threads:
                places = [key for key in self._trackers if key[0] == tenant_id and key[1] is not None]
            for key in places:
                for tracker in self._trackers.get(key, ()):
                    tracker.marks[message_id] = self._count.value
