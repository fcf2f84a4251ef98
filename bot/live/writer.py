"""What the platform says while it is connected, buffered by message and written in small batches.

In a channel that is followed a new message moves the checkpoint; in any other it is stored early, and the sync reads
everything beyond the checkpoint all the same. What cannot be written is never lost: it becomes work for the next
repair, or sync.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from adapters.base import PlatformAdapter
from adapters.events import ChannelChanged, LiveEvent, MessageCreated, MessageMissed
from adapters.records import ChannelRecord
from bot.clocks import SteadyClock
from bot.concurrency import only_wanted_cancellation
from bot.failures import FailureLog, Failures
from bot.live.buffer import LiveBatch, LiveBuffer
from bot.live.channels import ChannelWriter
from bot.live.follower import LiveFollower
from bot.live.following import Following
from bot.live.trace import trace_discarded, trace_ignored, trace_received
from bot.live.tracker import ChangeTrackers
from bot.live.unwritten import note_unwritten_events, request_audits
from bot.parts import Parts
from storage import channels
from storage.database import Database
from storage.errors import LeadershipLost, StorageError
from storage.tenants import tenant_id_of

log = logging.getLogger(__name__)

_BATCH = 1_000  # messages in one transaction
_FLUSH_SECONDS = 0.1
_WATERMARK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_ELSEWHERE = "another process writes the events of the platform"
_LAST_WRITE_SECONDS = 10.0  # at the end of the process; the rest lies behind the watermark, and becomes a gap


class LiveWriter:
    """Takes events as they come and brings the archive along."""

    def __init__(
        self, db: Database, adapters: Mapping[str, PlatformAdapter], owner: str, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._parts = Parts(adapters)
        self._clock = clock
        self.instant = SteadyClock(clock)
        """Clock by which listings and events of channels are ordered."""
        self._buffers = defaultdict(LiveBuffer, {platform: LiveBuffer() for platform in adapters})
        self._channels = ChannelWriter(db, clock, self.instant, lambda tenant_id: self.followed.unsettle(tenant_id))
        self.trackers = ChangeTrackers()
        self.following = Following(db, owner, clock, self._parts.division)
        self.follower = LiveFollower(db, adapters, self.following, clock)
        self.followed = self.follower.channels
        self.following.discard = self._drop
        self._unwritten = defaultdict[str, LiveBatch](LiveBatch)  # by platform
        self._to_audit: set[str] = set()  # tenants
        self.writing = asyncio.Lock()
        """Held while anything is written, and while a channel is marked as read to its end."""
        self._advanced_at, self._is_stopping = 0.0, False
        self._failures = FailureLog(log, "live events cannot be written")

    def submit(self, platform: str, event: LiveEvent) -> None:
        """Take an event in. Returns at once."""
        trace_received(event)
        buffer = self._buffers[platform]
        if isinstance(event, ChannelChanged):
            tenant_id = tenant_id_of(platform, event.tenant_platform_id)
            buffer.add_channel(tenant_id, event.record, self.instant(), is_new=event.is_new)
            self.trackers.note([(tenant_id, None, event.record.platform_id)])
        elif not self._is_stopping:  # else it lies behind the watermark: the next start records a gap from there
            tenant_id = tenant_id_of(platform, event.channel.tenant_platform_id)
            self.followed.receive(tenant_id, type(event))
            if isinstance(event, MessageMissed):
                trace_ignored(event, "it does not show the message whole; the next sync reads it")
                buffer.add_missed(tenant_id, event.channel.platform_id, event.message_platform_id)
                self.followed.missed(tenant_id, event.channel.platform_id)
            elif isinstance(event, MessageCreated) and not buffer.add_created(tenant_id, event):
                buffer.add_missed(tenant_id, event.channel.platform_id, event.message.platform_id)
                self.followed.missed(tenant_id, event.channel.platform_id)
            elif not isinstance(event, MessageCreated):
                is_vague = event.channel.message_sent_at is not None
                self.trackers.note(buffer.add(tenant_id, event), includes_threads=is_vague)
        else:
            trace_ignored(event, "the process is stopping; the next start records a gap")

    async def catch_up(self, tenant_id: str) -> bool:
        """Write what was received, and move the checkpoints of a tenant's followed channels over it.

        Returns:
            Whether all was written.

        Raises:
            StorageError: the checkpoints cannot be moved; a later call does it.
        """
        is_written = True
        if platform := self.follower.platform_of(tenant_id):
            try:
                await self._flush(platform)
            except StorageError:  # of any tenant: ``run`` reports it
                is_written = False
        async with self.writing:  # or two transactions would lock the same rows in another order
            await self.follower.catch_up(tenant_id)
        return is_written

    async def unheard(
        self, tenant_id: str, listed: Sequence[ChannelRecord], patience: timedelta
    ) -> Sequence[ChannelRecord]:
        """Return those of the listed channels and threads that are otherwise than all events say.

        An answer may be faster than the events of what it shows, which are waited for.

        Raises:
            StorageError: the database cannot be read.
        """
        until, pause = time.monotonic() + patience.total_seconds(), 0.1
        while listed := await channels.differing(self._db, tenant_id, listed):
            if time.monotonic() >= until:
                break
            await asyncio.sleep(pause)
            pause *= 2
            with suppress(StorageError):
                await self._flush(self.follower.platform_of(tenant_id))
        return listed

    async def run(self) -> None:
        """Write buffered events until cancelled, then write the rest as far as time permits."""
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
        received, left = self._parts.received_until(), set(self.following.left)
        try:
            with only_wanted_cancellation():
                failures, written = Failures(), set[str]()
                for platform in list(self._buffers):
                    with failures.apart(platform):
                        await self._flush(platform)
                        written.add(platform)
                with failures.apart("audits"):
                    await request_audits(self._db, self._to_audit, self._clock())
                if self.following.has_news:
                    with failures.apart("gaps"):
                        await self.following.write()
                if left := {part for part in left if part[0] in written}:
                    await self.following.release_left(left)
                    self._forget_unled(*{platform for platform, _ in left})
                if time.monotonic() - self._advanced_at > _WATERMARK_SECONDS:
                    self._advanced_at = time.monotonic()
                    await self.following.advance({} if failures else received)
                failures.raise_first()
            self._failures.ended()
        except Exception as e:  # noqa: BLE001 (nothing buffered is lost, and the next round tries again)
            self._failures.note(e)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def write_channels(self, tenant_id: str) -> None:
        """Write the hidden channels of a tenant now, so that batches stored afterwards are checked against them.

        Raises:
            StorageError: they cannot be written; they stay buffered.
        """
        for platform, buffer in list(self._buffers.items()):
            if buffer.has_hidden(tenant_id):
                async with self.writing:
                    # ``run`` reports failed changes; they must not keep the hidden channels from being written
                    with suppress(StorageError):
                        await self._write_batch(platform)
                    await self._channels.write_hidden(buffer, tenant_id)

    async def drop_channel(self, tenant_id: str, channel_id: str) -> None:
        """Write nothing more of a deleted channel: else its own event would bring it back. A write under way ends."""
        self.trackers.note([(tenant_id, None, channel_id)])
        for buffer in self._buffers.values():
            buffer.drop_channel(tenant_id, channel_id)
        async with self.writing:
            pass

    async def _flush(self, platform: str) -> None:
        """Write a platform's buffer; while its leadership is undecided, only the hidden channels."""
        failures, following, buffer = Failures(), self.following, self._buffers[platform]
        while not failures:
            async with self.writing:
                with failures.apart("messages"):
                    await self._write_batch(platform)
                with failures.apart("channels"):
                    await self._channels.write_hidden(buffer)
                    if following.is_decided(platform):
                        with suppress(LeadershipLost):  # they stay buffered until it is renewed
                            await self._channels.write_shown(buffer, following, platform)
            if not (following.is_decided(platform) and (self._unwritten[platform] or buffer.has_messages)):
                break
        failures.raise_first()

    async def _write_batch(self, platform: str) -> None:
        """Write the oldest changes of messages that this process leads, and discard the others: their leader does.

        Changes that the database refuses are noted as unwritten; what cannot be written now is kept.
        """
        following, buffer, now = self.following, self._buffers[platform], self._clock()
        if not following.is_decided(platform):
            return
        batch = self._unwritten[platform] = self._unwritten[platform] or buffer.take(_BATCH)
        trace_discarded(batch.keep(partial(following.leads, platform)), _ELSEWHERE)
        leases = following.leases(platform, {change.tenant_id for change in batch.changes})
        if not following.leads_all(platform):
            self._forget_unled(platform)
        if any(change.created for change in batch.changes):
            with suppress(StorageError):  # new threads, before what is written in them; ``_flush`` reports it
                await self._channels.write_shown(buffer, following, platform, buffer.hidden_channels())
        hidden = buffer.hidden_channels()  # now, since some may have been hidden meanwhile
        try:
            batch.refused += await self.follower.apply(batch.changes, leases, now, hidden)
        except LeadershipLost:  # since it was renewed last: this process stood still
            await following.renew()
            return
        batch.changes = []
        await note_unwritten_events(self._db, batch, now)
        self._to_audit |= batch.lost_tenants
        self._unwritten[platform] = LiveBatch()

    def _drop(self, platform: str, concerns: Callable[[str], bool]) -> None:
        """Drop what was received of tenants before another process wrote their events: that may have been newer."""
        trace_discarded(self._unwritten[platform].keep(lambda tenant_id: not concerns(tenant_id)), _ELSEWHERE)
        self._buffers[platform].drop(concerns)
        self.followed.forget(concerns)

    def _forget_unled(self, *platforms: str) -> None:
        """Follow nothing of the tenants of which another process writes the events."""
        for platform in platforms:
            prefix = tenant_id_of(platform, "")
            self.followed.forget(lambda i: i.startswith(prefix) and not self.following.leads(platform, i))  # noqa: B023
