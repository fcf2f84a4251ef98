"""Reads again what may have changed unseen, after a gap or for an audit, and brings the archive to what is there now.

A message that is absent from a range that was read whole is marked deleted; nothing else proves that. Every page is
one transaction with its cursor, so being cut off anywhere repeats nothing. Like the reactions the pass ends where it
is when the tenant's next sync is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from adapters.records import MessageRecord
from bot.concurrency import finish, for_each
from bot.live import ChangeTracker
from bot.sync.context import EmptyPage, JobContext
from bot.sync.proof import ProofPass, read_behind
from storage.repair import RefetchKind, RefetchRange, finish_audit, pending_ranges, reconcile_page, settle_gaps


@dataclass(frozen=True, slots=True)
class _Channel:
    id: int
    platform_id: str


@dataclass(frozen=True, slots=True)
class _Page:
    """What one request brought: every message behind ``after`` up to the last one; all there are, where it is empty."""

    after: int
    messages: tuple[MessageRecord, ...]
    mark: int  # of the tracker, before it was fetched
    asked_at: datetime
    is_proven: bool  # whether it shows that the bot may read there

    def covers(self, refetch: RefetchRange) -> bool:
        """Return whether a whole range lies in it, so that no request is needed."""
        starts_here = self.after <= int(refetch.after_platform_id or 0)
        return starts_here and (not self.messages or self.last >= int(refetch.until_platform_id))

    @property
    def last(self) -> int:
        """The id of its newest message."""
        return int(self.messages[-1].platform_id)

    def within(self, refetch: RefetchRange, reached: str) -> list[MessageRecord]:
        """Return those of its messages that are in a range up to ``reached``."""
        lowest, highest = int(refetch.after_platform_id or 0), int(reached)
        return [message for message in self.messages if lowest < int(message.platform_id) <= highest]


@dataclass(slots=True)
class RepairPass:
    """One job's way through the ranges that are to be read again."""

    job: JobContext
    requests_left: int

    async def run(self) -> None:
        """Work off what is pending until all is done, the budget is spent or the next sync is due."""
        job, progress = self.job, self.job.progress
        pending = await pending_ranges(job.db, job.tenant_id)
        progress.repairs_pending = len(pending)
        pending.sort(
            key=lambda refetch: (
                refetch.channel_id,
                int(refetch.after_platform_id or 0),
                int(refetch.until_platform_id),
            )
        )
        channels = [list(ranges) for _, ranges in groupby(pending, key=lambda refetch: refetch.channel_id)]
        await for_each(channels, job.config.concurrent_channels, self._read_channel)
        await ProofPass(job).run()
        await settle_gaps(job.db, job.tenant_id, now=job.clock())
        progress.is_cut_short |= progress.repairs_pending > 0 and job.should_yield

    async def _read_channel(self, ranges: list[RefetchRange]) -> None:
        channel = _Channel(ranges[0].channel_id, ranges[0].channel_platform_id)
        async with self.job.guard(channel):
            with self.job.tracking(channel) as tracker:
                await self._read_ranges(channel, ranges, tracker)

    async def _read_ranges(
        self, channel: _Channel, ranges: Sequence[RefetchRange], tracker: ChangeTracker, page: _Page | None = None
    ) -> None:
        for number, planned in enumerate(ranges):
            left: RefetchRange | None = None if planned.is_read else planned
            while left is not None:
                if page is None or not page.covers(left):
                    if self.requests_left <= 0 or self.job.should_yield:
                        return
                    page = await self._fetch(left, tracker, with_witness=page is not None and self._ended(page, left))
                    if not page.is_proven:
                        self._doubt(channel, [left, *ranges[number + 1 :]])
                        return
                left = await self._save(channel, left, page, tracker)
            if planned.kind is RefetchKind.AUDIT:
                await self._finish_audit(planned)
            self.job.progress.repairs_pending -= 1
            self.job.progress.repairs_done += 1

    async def _fetch(self, refetch: RefetchRange, tracker: ChangeTracker, *, with_witness: bool) -> _Page:
        self.requests_left -= 1
        asked_at, mark, after = self.job.clock(), tracker.mark(), refetch.after_platform_id
        answer = await read_behind(
            self.job.session,
            refetch.channel_platform_id,
            after,
            parent_id=refetch.thread_parent_id,
            with_witness=with_witness,
        )
        return _Page(int(after or 0), answer.messages, mark, asked_at, answer.is_proven)

    def _ended(self, page: _Page, left: RefetchRange) -> bool:
        """Return whether a page that was not full leaves off where a range goes on: no more is expected there."""
        is_short = 0 < len(page.messages) < self.job.session.page_size
        return is_short and page.last == int(left.after_platform_id or 0)

    def _doubt(self, channel: _Channel, ranges: list[RefetchRange]) -> None:
        """Leave ranges as they are until it is proven that nothing lies behind the first one's cursor."""

        async def believe(tracker: ChangeTracker, mark: int) -> None:
            empty = _Page(int(ranges[0].after_platform_id or 0), (), mark, self.job.clock(), is_proven=True)
            await self._read_ranges(channel, ranges, tracker, empty)

        self.job.doubt(
            EmptyPage(
                channel=channel,
                parent_id=ranges[0].thread_parent_id,
                after=ranges[0].after_platform_id,
                believe=believe,
            )
        )

    async def _save(
        self, channel: _Channel, refetch: RefetchRange, page: _Page, tracker: ChangeTracker
    ) -> RefetchRange | None:
        """Store what a page says of a range; what is left of the range, None where nothing is."""
        job = self.job
        is_last = not page.messages or page.last >= int(refetch.until_platform_id)
        reached = refetch.until_platform_id if is_last else page.messages[-1].platform_id

        async def write(changed_before: set[str]) -> RefetchRange | None:
            found = page.within(refetch, reached)
            outcome = await reconcile_page(
                job.db,
                refetch,
                found,
                reached=reached,
                changed_meanwhile=changed_before,
                job=job.lease,
                now=job.clock(),
                asked_at=page.asked_at,
            )
            job.progress.changed += outcome.changed
            job.progress.deleted += outcome.deleted
            job.set_aside(channel, outcome.set_aside)
            return outcome.left

        return await job.store(channel, lambda: tracker.changed_since(page.mark, tracker.marks), write)

    async def _finish_audit(self, audit: RefetchRange) -> None:
        job = self.job
        count = await job.session.count_messages(audit.channel_platform_id)
        await finish(finish_audit(job.db, audit.id, platform_count=count, job=job.lease, now=job.clock()))
