"""Reads one channel, oldest first, from its checkpoint up to the head that was pinned when the job began."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from adapters.records import MessageRecord
from bot.live import ChangeTracker
from bot.sync.context import EmptyPage, JobContext
from bot.sync.estimator import ChannelEstimator
from bot.sync.proof import read_behind
from storage import messages
from storage.channels import ChannelState
from storage.messages import MessageBatch

_Pages: TypeAlias = list[tuple[datetime, int, tuple[MessageRecord, ...]]]
"""Pages, each with when it was asked for, and with the tracker's mark at that time."""


@dataclass(slots=True)
class ChannelReader:
    """One job's way through one channel."""

    job: JobContext
    state: ChannelState
    estimator: ChannelEstimator
    _fetched: _Pages = field(default_factory=list)
    _deleted_head: str | None = None  # the head, where it turns out to be gone

    async def run(self) -> None:
        """Page, and commit every ``batch_size`` messages; what was fetched is kept however this ends.

        Messages newer than the head that come with its page are kept too. A short page does not end a channel: only
        the head does, or an empty page, which says that the head was deleted.
        """
        with self.job.tracking(self.state) as tracker:
            try:
                is_read = self.estimator.is_done = await self._read(tracker)
            finally:
                self.estimator.has_ended = True
                await self._flush(tracker)
        if is_read:
            await self.job.settle(self.state, self._deleted_head)

    async def _read(self, tracker: ChangeTracker) -> bool:
        """Fetch up to the head, or to an end that is proven; False where an empty page leaves that in doubt."""
        state, progress = self.state, self.job.progress
        head = int(state.head_id) if state.head_id else None
        after, is_short = state.checkpoint_id, False
        while head is None or int(after or 0) < head:
            asked_at, mark = self.job.clock(), tracker.mark()
            answer = await read_behind(
                self.job.session, state.platform_id, after, parent_id=state.thread_parent_id, with_witness=is_short
            )
            page = answer.messages
            self.estimator.add(page, progress.estimator.now())
            if not page:
                self._deleted_head = state.head_id
                if not answer.is_proven:
                    self.job.doubt(self._doubt(after))
                return answer.is_proven
            after, is_short = page[-1].platform_id, len(page) < self.job.session.page_size
            self._fetched.append((asked_at, mark, page))
            if sum(len(fetched) for *_, fetched in self._fetched) >= self.job.config.batch_size:
                await self._flush(tracker)
        return True

    def _doubt(self, after: str | None) -> EmptyPage:
        async def believe(*_: object) -> None:
            await self.job.settle(self.state, self._deleted_head)

        return EmptyPage(channel=self.state, parent_id=self.state.thread_parent_id, after=after, believe=believe)

    async def _flush(self, tracker: ChangeTracker) -> None:
        pages, self._fetched = self._fetched, []
        if not pages:
            return

        def changed() -> set[str]:
            return {i for _, mark, page in pages for i in tracker.changed_since(mark, (m.platform_id for m in page))}

        async def write(changed_before: set[str]) -> None:
            if changed_before:  # their events found nothing stored that they could change
                await self.job.refetch(self.state, changed_before)
            await self._save([message for *_, page in pages for message in page], asked_at=pages[0][0])

        await self.job.store(self.state, changed, write)

    async def _save(self, fetched: list[MessageRecord], asked_at: datetime) -> None:
        """Store rows and checkpoint, in one transaction."""
        job = self.job
        batch = MessageBatch(
            tenant_id=job.tenant_id, channel_id=self.state.id, messages=fetched, job=job.lease, asked_at=asked_at
        )
        began = time.monotonic()
        refused = await messages.save_batch(job.db, batch, job.clock())
        job.set_aside(self.state, refused)
        job.metrics.batch_committed(len(fetched), time.monotonic() - began)
        job.progress.messages += len(fetched) - len(refused)
