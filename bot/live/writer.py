"""What the platform says while it is connected, buffered by message and written in small batches.

An event never moves a checkpoint: it changes what is stored, and what is not stored yet the sync will read. What
cannot be written is never lost: it becomes work for the next repair.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime

from adapters.base import PlatformAdapter
from adapters.events import ChannelChanged, LiveEvent
from bot.clocks import SteadyClock
from bot.concurrency import only_wanted_cancellation
from bot.live.bisect import apply_bisecting
from bot.live.buffer import LiveBatch, LiveBuffer, ToldChannel
from bot.live.following import Following
from bot.live.tracker import ChangeTracker, ChangeTrackers
from storage import channels, repair
from storage.database import Database
from storage.errors import StorageError, ValueRefused
from storage.tenants import tenant_id_of

log = logging.getLogger(__name__)

_BATCH = 1_000  # messages in one transaction
_FLUSH_SECONDS = 0.1
_WATERMARK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_LAST_WRITE_SECONDS = 10.0  # when the process stops; what is left lies behind the watermark


class LiveWriter:
    """Takes events as they come and brings the archive along."""

    def __init__(
        self, db: Database, adapters: Mapping[str, PlatformAdapter], owner: str, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._adapters = adapters
        self._owner = owner
        self._clock = clock
        self.instant = SteadyClock(clock)
        """The time by which listings and what is told of channels are put in order."""
        self._buffers = {platform: LiveBuffer() for platform in adapters}
        self._trackers = ChangeTrackers()
        self.following = Following(db, owner, clock)
        self._unwritten = defaultdict[str, LiveBatch](LiveBatch)  # by platform
        self._writing = asyncio.Lock()
        self._advanced_at = 0.0
        self._failure: str | None = None
        self._is_stopping = False

    def submit(self, platform: str, event: LiveEvent) -> None:
        """Take an event in. Returns at once."""
        if self._is_stopping:
            return  # it lies behind the watermark: the next start begins with a gap from there
        buffer = self._buffers.setdefault(platform, LiveBuffer())
        if isinstance(event, ChannelChanged):
            buffer.add_channel(tenant_id_of(platform, event.tenant_platform_id), event.record, self.instant())
            return
        self._trackers.note(buffer.add(tenant_id_of(platform, event.channel.tenant_platform_id), event))

    def tracking(self, tenant_id: str, channel_platform_id: str) -> AbstractContextManager[ChangeTracker]:
        """Track what changes in a channel while its pages are read."""
        return self._trackers.tracking(tenant_id, channel_platform_id)

    async def run(self) -> None:
        """Write what comes in until cancelled; what is buffered by then is still written, as far as there is time."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                await self._write_due()
        finally:
            self._is_stopping = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WRITE_SECONDS):
                    await self._write_due()
                    await self.following.release()

    async def _write_due(self) -> None:
        received = {name: adapter.received_until for name, adapter in self._adapters.items()}
        try:
            with only_wanted_cancellation():
                for platform in self._buffers:
                    await self._flush(platform)
                if self.following.has_news:
                    await self.following.write()
                if time.monotonic() - self._advanced_at > _WATERMARK_SECONDS:
                    self._advanced_at = time.monotonic()
                    await self.following.advance(received)
            self._failure = None
        except StorageError as e:
            if self._failure != e.code:
                log.error("live events cannot be written yet", extra={"code": e.code, "error": str(e)})
            self._failure = e.code
            await asyncio.sleep(_PAUSE_SECONDS)
        except Exception:
            log.exception("live events cannot be written, by a fault of the program: please report it")
            await self._give_up()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _give_up(self) -> None:
        """Let go of what cannot even be put down to be read again, so that it holds up nothing: an audit finds it."""
        for platform, batch in list(self._unwritten.items()):
            self._unwritten[platform] = LiveBatch()
            for tenant_id in sorted({tenant_id for tenant_id, *_ in batch.lost} | batch.lost_tenants):
                with suppress(StorageError):
                    await repair.request_audit(self._db, tenant_id, self._clock())

    async def write_channels(self) -> None:
        """Write now what was told of channels so far, so that what is stored next is judged by it.

        Raises:
            StorageError: it cannot be written; it is kept.
        """
        for platform, buffer in self._buffers.items():
            while (buffer.has_channels or self._unwritten.get(platform, LiveBatch()).channels) and self._knows(
                platform
            ):
                await self._flush_batch(platform)

    async def _flush(self, platform: str) -> None:
        """Write what has gathered of a platform; of one that nobody knows yet who leads it waits."""
        while (self._unwritten[platform] or len(self._buffers[platform])) and self._knows(platform):
            await self._flush_batch(platform)

    def _knows(self, platform: str) -> bool:
        """Whether it is decided who leads."""
        return self.following.is_decided(platform)

    async def _flush_batch(self, platform: str) -> None:
        async with self._writing:
            self._unwritten[platform] = self._unwritten[platform] or self._buffers[platform].take(_BATCH)
            if platform in self.following.led:
                await self._write(self._unwritten[platform])
            self._unwritten[platform] = LiveBatch()

    async def _write(self, batch: LiveBatch) -> None:
        """Write a batch; have what the database refuses of it read again by the next repair."""
        now = self._clock()
        batch.lost |= await apply_bisecting(self._db, batch.changes, now, self._owner)
        batch.changes = []
        for tenant_id, changed in batch.channels.items():
            hidden = [one for one in changed if one.record.skip_reason is not None]
            await self._write_channels(tenant_id, hidden, now)  # before it is said to be shown again
            await self._write_channels(tenant_id, [one for one in changed if one.record.skip_reason is None], now)
        batch.channels = {}
        if batch.lost or batch.lost_tenants:
            log.warning("messages will be read again", extra={"messages": len(batch.lost)})
            await repair.refetch(self._db, batch.lost, now, only_stored=True)
            for tenant_id in batch.lost_tenants:
                await repair.request_audit(self._db, tenant_id, now)

    async def _write_channels(self, tenant_id: str, changed: list[ToldChannel], now: datetime) -> None:
        if not changed:
            return
        records = [one.record for one in changed]
        told_at = {one.record.platform_id: one.told_at for one in changed}
        try:
            await channels.save_changed_channels(self._db, tenant_id, records, now, told_at=told_at)
        except ValueRefused as e:  # the next sync lists them; what is hidden must not wait for it
            log.error("a changed channel cannot be stored", extra={"tenant": tenant_id, "error": str(e)})
            for record in records:
                if record.skip_reason is not None:
                    await channels.mark_skipped(self._db, tenant_id, [record.platform_id], record.skip_reason, now)
