"""What the platform tells while it is connected, gathered per message and written in small batches.

An event never moves a checkpoint: it changes what is stored, and what is not stored yet the sync will read. What
cannot be written is never lost: it becomes work for the next repair.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter
from adapters.events import ChannelChanged, LiveEvent
from bot.live.buffer import LiveBatch, LiveBuffer
from storage import channels, live, repair
from storage.database import Database
from storage.errors import StorageError
from storage.live import acquire_leadership, advance_watermark
from storage.repair import GapReason
from storage.tenants import tenant_id_of

log = logging.getLogger(__name__)

_BATCH = 1_000  # messages in one transaction
_FLUSH_SECONDS = 0.1
_MARK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_LEASE = timedelta(seconds=15)


class ChangeTracker:
    """The messages of one channel that were told of while its pages were under way, and when."""

    def __init__(self, count: Callable[[], int]) -> None:
        self.now = count
        self.marks: dict[str, int] = {}

    def changed_since(self, mark: int, message_ids: Iterable[str]) -> set[str]:
        """Those of the messages that were told of since a moment, and so may have been read before or after."""
        return {i for i in message_ids if self.marks.get(i, -1) > mark} if self.marks else set()


class LiveWriter:
    """Takes events as they come and brings the archive along."""

    def __init__(
        self, db: Database, adapters: Mapping[str, PlatformAdapter], owner: str, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._adapters = adapters
        self._owner = owner
        self._clock = clock
        self._buffer = LiveBuffer()
        self._watches: dict[tuple[str, str], ChangeTracker] = {}
        self._count = 0
        self._followed: dict[str, set[str]] = {}  # platform: its tenants of which it tells
        self._leads: set[str] = set()
        self._undecided = set(adapters)  # whether this process leads is not known yet: what comes in waits
        self._unwritten = LiveBatch()
        self._marked_at = 0.0

    def submit(self, platform: str, event: LiveEvent) -> None:
        """An event came in. Returns at once."""
        self._count += 1
        if isinstance(event, ChannelChanged):
            self._buffer.add_channel(tenant_id_of(platform, event.tenant_platform_id), event.record)
            return
        for tenant_id, channel_id, message_id in self._buffer.add(
            tenant_id_of(platform, event.channel.tenant_platform_id), event
        ):
            if watch := self._watches.get((tenant_id, channel_id)):
                watch.marks[message_id] = self._count

    @contextmanager
    def tracking(self, tenant_id: str, channel_id: str) -> Iterator[ChangeTracker]:
        """Note what is told of a channel while its pages are read."""
        watch = self._watches[tenant_id, channel_id] = ChangeTracker(lambda: self._count)
        try:
            yield watch
        finally:
            if self._watches.get((tenant_id, channel_id)) is watch:  # not one of a job that took this one over
                del self._watches[tenant_id, channel_id]

    def follow(self, platform: str, tenant_id: str) -> None:
        """The platform tells of this tenant from now on."""
        self._followed.setdefault(platform, set()).add(tenant_id)

    def unfollow(self, platform: str, tenant_id: str) -> None:
        """The platform tells of this tenant no more."""
        self._followed.get(platform, set()).discard(tenant_id)

    async def connected(self, platform: str, *, present: Iterable[str]) -> None:
        """A new connection: what happened before it was not told. Put that down, for every tenant."""
        reason = GapReason.SESSION_LOST if platform in self._followed else GapReason.PROCESS_DOWN
        self._followed[platform] = set(present)
        self._leads.discard(platform)
        self._undecided.add(platform)
        await self._lead(platform, reason)

    async def run(self) -> None:
        """Write what comes in until cancelled; what is gathered by then is still written."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                await self._turn()
        finally:
            await self._turn()
            await self.release_leadership()

    async def release_leadership(self) -> None:
        """Let another process lead at once."""
        for platform in self._leads:
            with suppress(StorageError):
                await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=timedelta())

    async def _turn(self) -> None:
        heard = {name: adapter.received_until for name, adapter in self._adapters.items()}
        try:
            await self._flush()
            if time.monotonic() - self._marked_at > _MARK_SECONDS:
                await self._mark(heard)
        except StorageError as e:
            log.error("what the platform told cannot be written yet", extra={"code": e.code, "error": str(e)})
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _flush(self) -> None:
        while (self._unwritten or len(self._buffer)) and not self._undecided:
            self._unwritten = self._unwritten or self._buffer.take(_BATCH)
            if self._leads:
                await self._write()
            self._unwritten = LiveBatch()

    async def _write(self) -> None:
        """A batch; one that the database will not have is looked at again by the next repair."""
        batch, now = self._unwritten, self._clock()
        try:
            await live.apply_changes(self._db, batch.changes, now)
            for tenant_id, records in batch.channels.items():
                await channels.save_changed_channels(self._db, tenant_id, records, now)
        except StorageError as e:
            if e.is_transient:
                raise
            log.error("what the platform told cannot be written", extra={"code": e.code, "error": str(e)})
            batch.lost.update((change.tenant_id, change.channel_id, change.message_id) for change in batch.changes)
            batch.changes, batch.channels = [], {}
        if batch.lost or batch.lost_tenants:
            log.warning("messages will be looked at again", extra={"messages": len(batch.lost)})
            await repair.refetch(self._db, batch.lost, now, only_stored=True)
            for tenant_id in batch.lost_tenants:
                await repair.request_audit(self._db, tenant_id, now)

    async def _mark(self, heard: Mapping[str, datetime | None]) -> None:
        """All that was told until then is written: a gap can begin no sooner."""
        self._marked_at = time.monotonic()
        await self.keep_the_lead()
        for platform in self._leads:
            if received_until := heard.get(platform):
                await advance_watermark(self._db, platform, self._owner, received_until, self._clock())

    async def keep_the_lead(self) -> None:
        """Renew the lead, or take it where the process that had it is gone."""
        for platform in list(self._followed):
            await self._lead(platform, GapReason.TAKEOVER)

    async def _lead(self, platform: str, reason: GapReason) -> None:
        """One process writes what a platform tells; the others stand by."""
        now = self._clock()
        lead = await acquire_leadership(self._db, platform, self._owner, now=now, lease=_LEASE)
        if not lead.is_mine:
            self._leads.discard(platform)
        elif platform not in self._leads:
            for tenant_id in sorted(self._followed[platform]):
                await repair.record_gap(self._db, tenant_id, reason, began_at=lead.watermark_at, ended_at=now, now=now)
            await advance_watermark(self._db, platform, self._owner, now, now)
            self._leads.add(platform)
        self._undecided.discard(platform)
