"""Reads again what may have changed unseen, after a gap or for an audit, and brings the archive to what is there now.

A message that is absent from a range that was read whole is marked deleted; nothing else proves that. Every page is
one transaction with its cursor, so being cut off anywhere repeats nothing. Like the reactions the pass ends where it
is when the tenant's next sync is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import ChannelType, MessageRecord
from bot.concurrency import finish, for_each
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from storage.repair import RefetchKind, RefetchRange, finish_audit, pending_ranges, reconcile_page, refetch, settle_gaps


@dataclass(frozen=True, slots=True)
class _Channel:
    id: int
    platform_id: str


@dataclass(frozen=True, slots=True)
class _Page:
    """What one request brought: every message behind ``after`` up to the last one; all there are, where it is empty."""

    after: int
    messages: tuple[MessageRecord, ...]
    mark: int  # of the watch, when it was asked for

    def covers(self, repair: RefetchRange) -> bool:
        """Whether a whole range lies in it, so that nothing need be asked."""
        starts_here = self.after <= int(repair.after_platform_id or 0)
        return starts_here and (not self.messages or self.last >= int(repair.until_platform_id))

    @property
    def last(self) -> int:
        return int(self.messages[-1].platform_id)


@dataclass(slots=True)
class RepairPass:
    """One job's way through what is to be read again."""

    job: JobContext
    requests_left: int

    async def run(self) -> None:
        """Work off what is pending until all is done, the budget is spent or the next sync is due."""
        job, progress = self.job, self.job.progress
        pending = await pending_ranges(job.db, job.tenant_id)
        progress.repairs_pending = len(pending)
        pending.sort(
            key=lambda repair: (repair.channel_id, int(repair.after_platform_id or 0), int(repair.until_platform_id))
        )
        channels = [list(ranges) for _, ranges in groupby(pending, key=lambda repair: repair.channel_id)]
        await for_each(channels, job.limits.concurrent_channels, self._read_channel)
        await settle_gaps(job.db, job.tenant_id, now=job.clock())
        progress.is_cut_short |= progress.repairs_pending > 0 and job.should_yield

    async def _read_channel(self, ranges: list[RefetchRange]) -> None:
        channel = _Channel(ranges[0].channel_id, ranges[0].channel_platform_id)
        try:
            with self.job.live.tracking(self.job.tenant_id, channel.platform_id) as watch:
                await self._read_ranges(ranges, watch)
        except ChannelUnreadable as e:
            await self.job.skip(channel, e)
        except CallFailed as e:
            await self.job.fail(channel, e)

    async def _read_ranges(self, ranges: Iterable[RefetchRange], watch: ChangeTracker) -> None:
        page: _Page | None = None
        for planned in ranges:
            repair: RefetchRange | None = None if planned.is_read else planned
            while repair is not None:
                if page is None or not page.covers(repair):
                    if self.requests_left <= 0 or self.job.should_yield:
                        return
                    page = await self._ask(repair, watch)
                repair = await self._save(repair, page, watch)
            if planned.kind is RefetchKind.AUDIT:
                await self._finish_audit(planned)
            self.job.progress.repairs_pending -= 1
            self.job.progress.repairs_done += 1

    async def _ask(self, repair: RefetchRange, watch: ChangeTracker) -> _Page:
        self.requests_left -= 1
        mark = watch.now()
        parent_id = repair.parent_platform_id if repair.type is ChannelType.THREAD else None
        messages = await self.job.session.messages(
            repair.channel_platform_id, repair.after_platform_id, parent_id=parent_id
        )
        return _Page(int(repair.after_platform_id or 0), messages, mark)

    async def _save(self, repair: RefetchRange, page: _Page, watch: ChangeTracker) -> RefetchRange | None:
        """Store what a page says of a range; what is left of the range, None where nothing is."""
        is_last = not page.messages or page.last >= int(repair.until_platform_id)
        reached = repair.until_platform_id if is_last else page.messages[-1].platform_id
        lowest, highest = int(repair.after_platform_id or 0), int(reached)
        within = [m for m in page.messages if lowest < int(m.platform_id) <= highest]
        left: list[RefetchRange | None] = []

        async def store() -> None:
            touched = watch.changed_since(page.mark, watch.marks)
            outcome = await reconcile_page(
                self.job.db, repair, within, reached=reached, touched=touched, job=self.job.lease, now=self.job.clock()
            )
            late = watch.changed_since(page.mark, watch.marks) - touched
            if late:  # told of while this was being written
                keys = [(self.job.tenant_id, repair.channel_platform_id, message_id) for message_id in late]
                await refetch(self.job.db, keys, self.job.clock())
            self.job.progress.changed += outcome.changed
            self.job.progress.deleted += outcome.deleted
            left.append(outcome.left)

        await finish(store())
        return left[0]

    async def _finish_audit(self, audit: RefetchRange) -> None:
        count = await self.job.session.count_messages(audit.channel_platform_id)
        await finish(
            finish_audit(self.job.db, audit.id, platform_count=count, job=self.job.lease, now=self.job.clock())
        )
