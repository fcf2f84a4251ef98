"""The communities of a platform's bot, kept in memory and updated by every event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.events import (
    ChannelDeleted,
    PlatformEvent,
    TenantJoined,
    TenantLeft,
    TenantOutage,
    TenantsReady,
    TenantsReleased,
)
from adapters.records import TenantRecord

_LONG_SILENCE = timedelta(minutes=1)


@dataclass(slots=True)
class Communities:
    """One platform's communities, by the platform's ids.

    ``expected`` have a new connection, and it is to be checked whether a sync is due; ``returned`` get a sync whatever
    was synced before. A community stays in either until its sync is enqueued or not due.
    """

    present: dict[str, TenantRecord] = field(default_factory=dict)
    silent: dict[str, datetime] = field(default_factory=dict)  # present but unavailable (an outage), since when
    expected: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    deleted_channels: set[tuple[str, str]] = field(default_factory=set)  # by community and channel
    changes: int = 0  # number of events received
    settled: int = 0  # the number of events up to which the archive matches
    _begun_at: int = 0
    _left: set[str] = field(default_factory=set)
    _parts: dict[str, Callable[[str], bool]] = field(default_factory=dict)

    def take(self, event: PlatformEvent, now: datetime) -> None:
        """Update the communities by an event of the platform."""
        self.changes += 1
        match event:
            case TenantsReady():
                self._begin(event)
            case TenantsReleased(part, covers):
                self._release(part, covers)
            case TenantJoined(record):
                self._join(record, now)
            case TenantLeft(platform_id):
                self._leave(platform_id)
            case TenantOutage(platform_id):
                self.present.setdefault(platform_id, TenantRecord(platform_id=platform_id, name=None))
                self.silent.setdefault(platform_id, now)
            case ChannelDeleted(tenant_platform_id, channel_platform_id):
                self.deleted_channels.add((tenant_platform_id, channel_platform_id))

    @property
    def has_begun(self) -> bool:
        """Whether any part of the connection has announced its communities."""
        return bool(self._parts)

    def has_part(self, part: str) -> bool:
        """Return whether a part of the connection has announced its communities."""
        return part in self._parts

    @property
    def is_settled(self) -> bool:
        """Whether the archive has matched the communities since the last new connection."""
        return self.has_begun and self.settled >= self._begun_at

    def is_absent(self, platform_id: str) -> bool:
        """Return whether the bot is known not to be in a community; one that no part has announced is not absent."""
        return platform_id not in self.present and (
            platform_id in self._left or any(covers(platform_id) for covers in self._parts.values())
        )

    def done(self, platform_id: str) -> None:
        """Record that a community's due sync is enqueued, or that none is due."""
        self.expected.discard(platform_id)
        self.returned.discard(platform_id)

    def _begin(self, event: TenantsReady) -> None:
        listed = {record.platform_id for record in event.tenants}
        for platform_id in [i for i in self.present if event.covers(i) and i not in listed]:
            self._leave(platform_id)
        for record in event.tenants:
            self._put(record)
            self.silent.pop(record.platform_id, None)
        self.expected |= listed
        self._parts[event.part] = event.covers
        self._begun_at = self.changes

    def _release(self, part: str, covers: Callable[[str], bool]) -> None:
        """Forget what came by a part: another process is told of it, and whether its communities are left."""
        self._parts.pop(part, None)
        for known in (self.expected, self.returned, self._left):
            known -= {platform_id for platform_id in known if covers(platform_id)}
        for platform_id in [platform_id for platform_id in self.present if covers(platform_id)]:
            del self.present[platform_id]
            self.silent.pop(platform_id, None)
        self.deleted_channels -= {deleted for deleted in self.deleted_channels if covers(deleted[0])}

    def _join(self, record: TenantRecord, now: datetime) -> None:
        is_new = record.platform_id not in self.present
        since = self.silent.pop(record.platform_id, None)
        self._put(record)
        if is_new or (since is not None and now - since >= _LONG_SILENCE):
            self.returned.add(record.platform_id)
        elif since is not None:
            self.expected.add(record.platform_id)

    def _put(self, record: TenantRecord) -> None:
        known = self.present.get(record.platform_id)
        if known is None or record.name is not None or record.metadata:
            self.present[record.platform_id] = record
        if record.platform_id in self._left:  # it left and joined again before the departure was processed
            self._left.discard(record.platform_id)
            self.returned.add(record.platform_id)

    def _leave(self, platform_id: str) -> None:
        self._left.add(platform_id)
        self.present.pop(platform_id, None)
        self.silent.pop(platform_id, None)
        self.expected.discard(platform_id)
        self.returned.discard(platform_id)
