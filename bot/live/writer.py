"""What the platform says while it is connected, buffered by message and written in small batches.

An event never moves a checkpoint: it changes what is stored, and what is not stored yet the sync will read. What
cannot be written is never lost: it becomes work for the next repair.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter
from adapters.events import ChannelChanged, LiveEvent
from bot.live.buffer import LiveBatch, LiveBuffer
from bot.live.silences import Silences
from bot.live.tracker import ChangeTracker, ChangeTrackers
from storage import channels, live, repair
from storage.database import Database
from storage.errors import StorageError
from storage.live import acquire_leadership, advance_watermark
from storage.repair import GapReason
from storage.tenants import tenant_id_of

log = logging.getLogger(__name__)

_BATCH = 1_000  # messages in one transaction
_FLUSH_SECONDS = 0.1
_WATERMARK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_LEASE = timedelta(seconds=15)


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
        self._trackers = ChangeTrackers()
        self._followed: dict[str, set[str]] = {}  # platform: its tenants whose events come in
        self._led: set[str] = set()  # platforms whose events this process writes
        self._decided: set[str] = set()  # platforms of which it is known who leads; until then their events wait
        self._silences: defaultdict[str, Silences] = defaultdict(Silences)
        self._silent: defaultdict[str, set[str]] = defaultdict(set)  # its tenants of which nothing comes in
        self._watermarks: dict[str, datetime | None] = {}
        self._leading = asyncio.Lock()
        self._is_failing = False
        self._unwritten = LiveBatch()
        self._advanced_at = 0.0

    def submit(self, platform: str, event: LiveEvent) -> None:
        """Take an event in. Returns at once."""
        if isinstance(event, ChannelChanged):
            self._buffer.add_channel(tenant_id_of(platform, event.tenant_platform_id), event.record)
            return
        self._trackers.note(self._buffer.add(tenant_id_of(platform, event.channel.tenant_platform_id), event))

    def tracking(self, tenant_id: str, channel_platform_id: str) -> AbstractContextManager[ChangeTracker]:
        """Track what changes in a channel while its pages are read."""
        return self._trackers.tracking(tenant_id, channel_platform_id)

    def follow(self, platform: str, tenant_id: str) -> None:
        """Note that events of a tenant come in from now on."""
        self._followed.setdefault(platform, set()).add(tenant_id)
        self._silent[platform].discard(tenant_id)
        self._silences[platform].ended(tenant_id, self._clock())

    def unfollow(self, platform: str, tenant_id: str, reason: GapReason, *, since_watermark: bool = False) -> None:
        """Note that events of a tenant come in no more, from now on, or since it is not known when."""
        self._followed.get(platform, set()).discard(tenant_id)
        self._silent[platform].add(tenant_id)
        self._silences[platform].began(tenant_id, reason, None if since_watermark else self._clock())

    def connected(self, platform: str, tenant_ids: Iterable[str]) -> None:
        """Note that events of these tenants come in over a new connection: those before it are missing."""
        now, followed = self._clock(), self._followed.setdefault(platform, set())
        for tenant_id in tenant_ids:
            reason = GapReason.SESSION_LOST if tenant_id in followed else GapReason.PROCESS_DOWN
            self._silences[platform].missed([tenant_id], reason, now)
            self._silent[platform].discard(tenant_id)
            followed.add(tenant_id)

    async def write_silences(self) -> None:
        """Write what is known of times in which nothing was received.

        Raises:
            StorageError: the database cannot be written; nothing of it is lost.
        """
        async with self._leading:
            await self._write_silences()

    async def run(self) -> None:
        """Write what comes in until cancelled; what is buffered by then is still written."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                await self._write_due()
        finally:
            await self._write_due()
            await self.release_leadership()

    async def release_leadership(self) -> None:
        """Let another process lead at once."""
        for platform in self._led:
            with suppress(StorageError):
                await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=timedelta())

    async def _write_due(self) -> None:
        received = {name: adapter.received_until for name, adapter in self._adapters.items()}
        try:
            await self._flush()
            if self._followed.keys() - self._decided or any(self._silences[name] for name in self._led):
                await self.write_silences()
            if time.monotonic() - self._advanced_at > _WATERMARK_SECONDS:
                await self._advance(received)
            self._is_failing = False
        except StorageError as e:
            if not self._is_failing:
                log.error("live events cannot be written yet", extra={"code": e.code, "error": str(e)})
            self._is_failing = True
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _flush(self) -> None:
        while (self._unwritten or len(self._buffer)) and self._adapters.keys() <= self._decided:
            self._unwritten = self._unwritten or self._buffer.take(_BATCH)
            if self._led:
                await self._write()
            self._unwritten = LiveBatch()

    async def _write(self) -> None:
        """Write a batch; have one that the database refuses read again by the next repair."""
        batch, now = self._unwritten, self._clock()
        try:
            await live.apply_changes(self._db, batch.changes, now)
            for tenant_id, records in batch.channels.items():
                await channels.save_changed_channels(self._db, tenant_id, records, now)
        except StorageError as e:
            if e.is_transient:
                raise
            log.error("live events cannot be written", extra={"code": e.code, "error": str(e)})
            batch.lost.update(
                (change.tenant_id, change.channel_platform_id, change.message_platform_id) for change in batch.changes
            )
            batch.changes, batch.channels = [], {}
        if batch.lost or batch.lost_tenants:
            log.warning("messages will be read again", extra={"messages": len(batch.lost)})
            await repair.refetch(self._db, batch.lost, now, only_stored=True)
            for tenant_id in batch.lost_tenants:
                await repair.request_audit(self._db, tenant_id, now)

    async def _advance(self, received: Mapping[str, datetime | None]) -> None:
        """Note that all that was received until then is written: a gap can begin no sooner."""
        self._advanced_at = time.monotonic()
        await self.renew_leadership()
        for platform in self._led:
            # A gap that is not written yet begins at the watermark.
            if not self._silences[platform] and (received_until := received.get(platform)):
                await advance_watermark(self._db, platform, self._owner, received_until, self._clock())

    async def renew_leadership(self) -> None:
        """Renew the leadership, or take it over from a process that is gone; write what was missed before that."""
        async with self._leading:
            for platform in list(self._followed):
                await self._acquire_leadership(platform)
            await self._write_silences()

    async def _acquire_leadership(self, platform: str) -> None:
        """Take or renew the leadership of a platform, unless another process has it; one taken over has a gap."""
        leadership = await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=_LEASE)
        self._watermarks[platform] = leadership.watermark_at
        if not leadership.is_mine:
            self._led.discard(platform)
            self._silences[platform].forget()
        elif platform not in self._led:
            if platform in self._decided:
                self._silences[platform].missed(sorted(self._followed[platform]), GapReason.TAKEOVER, self._clock())
                for tenant_id in self._silent[platform]:
                    self._silences[platform].began(tenant_id, GapReason.OUTAGE, None)
            self._led.add(platform)
        self._decided.add(platform)

    async def _write_silences(self) -> None:
        for platform in list(self._followed):
            if platform not in self._decided:
                await self._acquire_leadership(platform)
            if platform in self._led:
                await self._silences[platform].write(self._db, self._watermarks[platform], self._clock())
