"""Reads one channel, oldest first, from its checkpoint up to the head that was pinned when the job began."""

import time
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.records import MessageRecord
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from bot.sync.estimator import ChannelEstimator
from storage import messages
from storage.channels import ChannelState
from storage.messages import MessageBatch

_Pages: TypeAlias = list[tuple[int, tuple[MessageRecord, ...]]]  # each with the tracker's mark before it was fetched


@dataclass(slots=True)
class ChannelReader:
    """One job's way through one channel."""

    job: JobContext
    state: ChannelState
    estimator: ChannelEstimator
    _fetched: _Pages = field(default_factory=list)

    async def run(self) -> None:
        """Page, and commit every ``batch_size`` messages; what was fetched is kept however this ends.

        Messages newer than the head that come with its page are kept too. A short page does not end a channel: only
        the head does, or an empty page, which says that the head was deleted.
        """
        with self.job.live.tracking(self.job.tenant_id, self.state.platform_id) as tracker:
            try:
                head_is_gone = await self._read(tracker)
            finally:
                self.estimator.is_done = True
                await self._flush(tracker)
        await self.job.settle(self.state, self.state.head_id if head_is_gone else None)

    async def _read(self, tracker: ChangeTracker) -> bool:
        """Fetch up to the head; True where it turns out to be gone."""
        state, progress = self.state, self.job.progress
        head = int(state.head_id) if state.head_id else None
        after = state.checkpoint_id
        page: tuple[MessageRecord, ...] | None = None
        while page is None or (page and (head is None or int(after or 0) < head)):
            mark = tracker.mark()
            page = await self.job.session.messages(state.platform_id, after, parent_id=state.thread_parent_id)
            self.estimator.add(page, progress.estimator.now())
            if page:
                after = page[-1].platform_id
                self._fetched.append((mark, page))
            if sum(len(fetched) for _, fetched in self._fetched) >= self.job.config.batch_size:
                await self._flush(tracker)
        return not page

    async def _flush(self, tracker: ChangeTracker) -> None:
        pages, self._fetched = self._fetched, []
        if not pages:
            return

        def changed() -> set[str]:
            return {i for mark, page in pages for i in tracker.changed_since(mark, (m.platform_id for m in page))}

        async def write(changed_before: set[str]) -> None:
            if changed_before:  # their events found nothing stored that they could change
                await self.job.refetch(self.state, changed_before)
            await self._save([message for _, page in pages for message in page])

        await self.job.store(self.state, changed, write)

    async def _save(self, fetched: list[MessageRecord]) -> None:
        """Store rows and checkpoint, in one transaction."""
        job = self.job
        batch = MessageBatch(tenant_id=job.tenant_id, channel_id=self.state.id, messages=fetched, job=job.lease)
        began = time.monotonic()
        await messages.save_batch(job.db, batch, job.clock())
        job.metrics.batch_committed(len(fetched), time.monotonic() - began)
        job.progress.messages += len(fetched)
