"""Reads one channel, oldest first, from its checkpoint to its end."""

import time
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.base import MessagePage
from adapters.records import MessageRecord
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from bot.sync.estimator import ChannelEstimator
from bot.sync.pages import next_page
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
        """Page to the end, and commit every ``batch_size`` messages; what was fetched is kept however this ends."""
        with self.job.live.tracking(self.job.tenant_id, self.state.platform_id) as tracker:
            try:
                await self._read(tracker)
            finally:
                self.estimator.is_done = True
                await self._flush(tracker)
        await self.job.settle(self.state, self._head_to_remember())

    async def _read(self, tracker: ChangeTracker) -> None:
        """Fetch up to the channel's end."""
        state, progress = self.state, self.job.progress
        after = state.checkpoint_id
        known: frozenset[str | None] = frozenset({after})
        while True:
            mark = tracker.mark()
            page = await next_page(self.job.session, state.platform_id, after, parent_id=state.thread_parent_id)
            fresh = tuple(message for message in page.messages if message.platform_id not in known)
            self.estimator.add(fresh, progress.estimator.now())
            if fresh:
                self._fetched.append((mark, fresh))
            if sum(len(fetched) for _, fetched in self._fetched) >= self.job.config.batch_size:
                await self._flush(tracker)
            if self._is_end(page):
                return
            after, known = page.reached, frozenset(message.platform_id for message in page.messages)

    def _is_end(self, page: MessagePage) -> bool:
        """Return whether nothing lies behind a page: it is empty, or it is not full and holds the head.

        The head is what the platform calls its newest message. It may be gone, late or left out, so that a full page is
        never the end; and a platform may send a page that is not full in mid-channel.
        """
        if not page.messages:
            return True
        return not page.is_full and page.holds(self.state.head_id)

    def _head_to_remember(self) -> str | None:
        """Return the head that need not be asked for again while it stays the same.

        Where it has moved back, the highest one known stays, so that the next sync asks again: nobody knows then what
        has come after it. An archived thread can have no news.
        """
        head, before = self.state.head_id, self.state.deleted_head_id
        if head is None or before is None or self.state.is_archived_thread:
            return head
        return max(head, before, key=int)

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
