"""Reads again what may have changed unseen, after a gap or for an audit, and brings the archive to what is there now.

A message that is absent from a range that was read whole is marked deleted; nothing else proves that. Every page is
one transaction with its cursor, so being cut off anywhere repeats nothing. Like the reactions the pass ends where it
is when the tenant's next sync is due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from adapters.ids import number
from adapters.records import MessageRecord
from bot.concurrency import for_each
from bot.live import ChangeTracker
from bot.pickled import PickledList
from bot.sync.absence import confirm_absent
from bot.sync.audits import AuditEnd
from bot.sync.channel import EmptyPage
from bot.sync.context import JobContext
from bot.sync.pages import NOTHING, Answer, read_behind
from bot.sync.proof import ProofPass
from storage import channels
from storage.messages import Changed, MessageRef
from storage.repair import (
    RefetchKind,
    RefetchRange,
    count_pending_ranges,
    pending_ranges,
    reconcile_page,
    settle_audit,
    settle_gaps,
)
from storage.unwritten import OpenEntry, open_entries


@dataclass(frozen=True, slots=True)
class _Channel:
    id: int
    platform_id: str
    entries: list[OpenEntry]  # of unwritten events that were open before anything was requested


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of messages behind ``after``, complete up to where it reaches; an empty one reaches the end."""

    after: int
    sent: Answer
    mark: int  # of the tracker, before it was fetched
    requested_at: datetime

    def covers(self, refetch: RefetchRange) -> bool:
        """Return whether a whole range lies in it, so that no request is needed."""
        starts_here = self.after <= number(refetch.after_platform_id)
        return starts_here and self.reaches(refetch.until_platform_id)

    def reaches(self, until: str) -> bool:
        """Return whether the page is complete up to a message."""
        return self.sent.reached is None or number(self.sent.reached) >= number(until)

    def ends_before(self, refetch: RefetchRange) -> bool:
        """Return whether the page was not full and ended where a range begins: nothing more is expected there."""
        return not self.sent.is_full and self.sent.reached == refetch.after_platform_id

    def behind(self) -> set[str]:
        """Return the messages on the page that do not lie beyond its cursor: the platform sent them late."""
        return {m.platform_id for m in self.sent.messages if number(m.platform_id) < self.after}

    def within(self, refetch: RefetchRange, reached: str) -> list[MessageRecord]:
        """Return those of its messages that are in a range up to ``reached``."""
        lowest, highest = number(refetch.after_platform_id), number(reached)
        return [message for message in self.sent.messages if lowest < number(message.platform_id) <= highest]


@dataclass(slots=True)
class RepairPass:
    """One job's way through the ranges that are to be read again, the most urgent kind first in all channels."""

    job: JobContext
    requests_left: int
    began_at: datetime = field(init=False)
    _unread: set[int] = field(default_factory=set)  # channels (``channels.id``) of which a range could not be read

    def __post_init__(self) -> None:
        self.began_at = self.job.clock()

    async def run(self) -> None:
        """Work off what is pending until all is done, the budget is spent or the next sync is due."""
        job, progress = self.job, self.job.progress
        pending = PickledList[RefetchRange]()
        async for some in pending_ranges(job.db, job.tenant_id):
            pending.extend(some)
        progress.expect_repairs(await count_pending_ranges(job.db, job.tenant_id))
        await settle_gaps(job.db, job.tenant_id, now=job.clock())
        self._unread.clear()
        for kind, ranges in groupby(pending, key=lambda refetch: refetch.kind):
            progress.repairing = kind
            await self._read_kind(ranges)
            if self._is_to_end:
                break
        progress.repairing = None
        if pending:  # counted again: channels may have been skipped, and ranges added meanwhile
            await settle_audit(job.db, job.tenant_id, now=job.clock())
            progress.expect_repairs(await count_pending_ranges(job.db, job.tenant_id))
        progress.is_cut_short |= progress.repairs_pending > 0 and job.should_yield

    @property
    def _is_to_end(self) -> bool:
        return self.requests_left <= 0 or self.job.should_yield

    async def _read_kind(self, ranges: Iterable[RefetchRange]) -> None:
        """Refetch the ranges of one kind; those of a less urgent one come only behind what needed a proof."""
        job = self.job
        by_channel = (list(some) for _, some in groupby(ranges, key=lambda refetch: refetch.channel_id))
        await for_each(by_channel, job.config.concurrent_channels, self._read_channel)
        await ProofPass(job).run()
        await job.settle_refusals()
        await settle_gaps(job.db, job.tenant_id, now=job.clock())

    async def _read_channel(self, ranges: list[RefetchRange]) -> None:
        entries = await open_entries(self.job.db, ranges[0].channel_id)
        channel = _Channel(ranges[0].channel_id, ranges[0].channel_platform_id, entries)
        if channel.id in self._unread:
            return
        self._unread.add(channel.id)
        ranges.sort(key=lambda refetch: (number(refetch.after_platform_id), number(refetch.until_platform_id)))
        async with self.job.guard(channel):
            with self.job.tracking(channel) as tracker:
                audits = await self._read_ranges(channel, ranges, tracker)
            await self._finish_audits(audits)

    async def _read_ranges(
        self, channel: _Channel, ranges: Sequence[RefetchRange], tracker: ChangeTracker, page: _Page | None = None
    ) -> list[RefetchRange]:
        """Refetch ranges; return the audits among them that were read to their end."""
        audits: list[RefetchRange] = []
        for place, planned in enumerate(ranges):
            left: RefetchRange | None = None if planned.is_read else planned
            while left is not None:
                if page is None or not page.covers(left):
                    if self._is_to_end:
                        return audits
                    is_next = page is not None and page.ends_before(left)
                    page = await self._fetch(channel, left, tracker, with_witness=is_next)
                    if not page.sent.is_proven:
                        self._add_unproven(channel, [left, *ranges[place + 1 :]])
                        return audits
                left = await self._save(channel, left, page, tracker)
            if planned.kind is RefetchKind.AUDIT:
                audits.append(planned)
            else:
                self.job.progress.count_repair(planned.kind)
        self._unread.discard(channel.id)
        return audits

    async def _finish_audits(self, audits: list[RefetchRange]) -> None:
        for audit in audits:
            await AuditEnd(self.job, audit, self.began_at).run()
            self.job.progress.count_repair(audit.kind)

    async def _fetch(
        self, channel: _Channel, refetch: RefetchRange, tracker: ChangeTracker, *, with_witness: bool
    ) -> _Page:
        self.requests_left -= 1
        requested_at, mark, after = self.job.clock(), tracker.mark(), refetch.after_platform_id
        began_at = self.job.live.instant()
        answer = await read_behind(
            self.job.session,
            refetch.channel_platform_id,
            after,
            parent_id=refetch.thread_parent_id,
            with_witness=with_witness,
        )
        self.requests_left -= await confirm_absent(self.job.db, self.job.session, refetch, answer)
        await self.job.note_shown(channel, answer, began_at, visible_since=refetch.visible_since)
        return _Page(number(after), answer, mark, requested_at)

    def _add_unproven(self, channel: _Channel, ranges: list[RefetchRange]) -> None:
        """Keep ranges unchanged until it is proven that nothing lies behind the first one's cursor."""

        async def accept(tracker: ChangeTracker, mark: int, visible_since: datetime | None) -> None:
            nothing = replace(NOTHING, visible_since=visible_since)
            empty = _Page(number(ranges[0].after_platform_id), nothing, mark, self.job.clock())
            await self._finish_audits(await self._read_ranges(channel, ranges, tracker, empty))

        self.job.unproven.append(
            EmptyPage(
                channel=channel,
                parent_id=ranges[0].thread_parent_id,
                after=ranges[0].after_platform_id,
                expected=ranges[-1].until_platform_id,
                accept=accept,
            )
        )

    async def _save(
        self, channel: _Channel, refetch: RefetchRange, page: _Page, tracker: ChangeTracker
    ) -> RefetchRange | None:
        """Store what a page says of a range; what is left of the range, None where nothing is."""
        job = self.job
        reached = refetch.until_platform_id
        if not page.reaches(reached):
            reached = page.sent.reached or reached

        def changed() -> set[MessageRef]:
            return job.refs(channel, tracker.changed_since(page.mark, tracker.marks))

        async def write(changed_before: set[MessageRef], since: Changed) -> RefetchRange | None:
            found = page.within(refetch, reached)
            outcome = await reconcile_page(
                job.db,
                refetch,
                found,
                reached=reached,
                changed_meanwhile={message_id for *_, message_id in changed_before},
                job=job.lease,
                now=job.clock(),
                requested_at=page.requested_at,
                visible_since=page.sent.visible_since,
                changed=since,
                entries=channel.entries,
            )
            job.progress.changed += outcome.changed
            job.progress.deleted += outcome.deleted
            await self._mark_outside_range(channel, refetch, page)
            job.set_aside(channel, outcome.set_aside)
            return outcome.left

        return await job.store(changed, write)

    async def _mark_outside_range(self, channel: _Channel, refetch: RefetchRange, page: _Page) -> None:
        """Mark messages outside the range for the next reading: those beyond the checkpoint, and those sent late."""
        job = self.job
        if late := page.behind():
            await job.refetch(job.refs(channel, late))
        newest = page.sent.messages[-1].platform_id if page.sent.messages else "0"
        is_end = page.sent.messages and page.reaches(refetch.until_platform_id)
        if refetch.kind is not RefetchKind.REFETCH and is_end:
            await channels.reopen_channel(job.db, channel.id, newest, job=job.lease, now=job.clock())
