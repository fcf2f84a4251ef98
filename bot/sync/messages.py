"""Reads one channel, oldest first, from its checkpoint up to the head that was pinned when the job began."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.records import ChannelType, MessageRecord
from bot.concurrency import finish
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from bot.sync.estimator import ChannelEstimator
from storage import messages, repair
from storage.channels import ChannelState
from storage.messages import MessageBatch


@dataclass(slots=True)
class ChannelReader:
    """One job's way through one channel."""

    job: JobContext
    state: ChannelState
    estimator: ChannelEstimator
    _fetched: list[tuple[int, tuple[MessageRecord, ...]]] = field(default_factory=list)  # pages, and when asked for

    async def run(self) -> None:
        """Page, and commit every ``batch_size`` messages; what was fetched is kept however this ends.

        Messages newer than the head that come with its page are kept too. A short page does not end a channel: only
        the head does, or an empty page, which says that the head was deleted.
        """
        with self.job.live.tracking(self.job.tenant_id, self.state.platform_id) as watch:
            try:
                head_is_gone = await self._read(watch)
            finally:
                self.estimator.is_done = True
                await self._flush(watch)
        await self.job.settle(self.state, self.state.head_id if head_is_gone else None)

    async def _read(self, watch: ChangeTracker) -> bool:
        state, progress = self.state, self.job.progress
        head = int(state.head_id) if state.head_id else None
        after = state.checkpoint_id
        parent_id = state.parent_platform_id if state.type is ChannelType.THREAD else None
        page: tuple[MessageRecord, ...] | None = None
        while page is None or (page and (head is None or int(after or 0) < head)):
            asked_at = watch.now()
            page = await self.job.session.messages(state.platform_id, after, parent_id=parent_id)
            self.estimator.add(page, progress.estimator.now())
            if page:
                after = page[-1].platform_id
                self._fetched.append((asked_at, page))
            if sum(len(fetched) for _, fetched in self._fetched) >= self.job.limits.batch_size:
                await self._flush(watch)
        return not page

    async def _flush(self, watch: ChangeTracker) -> None:
        pages, self._fetched = self._fetched, []
        if pages:
            await finish(self._save(pages, watch))

    async def _save(self, pages: list[tuple[int, tuple[MessageRecord, ...]]], watch: ChangeTracker) -> None:
        """Rows and checkpoint, in one transaction.

        What the platform told of these messages since they were asked for was not stored, since they were not; nor
        is it known whether the page was older. They are looked at again.
        """
        job, batch = self.job, [message for _, page in pages for message in page]
        touched = _touched(pages, watch)
        if touched:
            await self._refetch(touched)
        kept = MessageBatch(tenant_id=job.tenant_id, channel_id=self.state.id, messages=batch, job=job.lease)
        began = time.monotonic()
        await messages.save_batch(job.db, kept, job.clock())
        job.metrics.batch_committed(len(batch), time.monotonic() - began)
        if late := _touched(pages, watch) - touched:
            await self._refetch(late)
        job.progress.messages += len(batch)

    async def _refetch(self, message_ids: Iterable[str]) -> None:
        keys = [(self.job.tenant_id, self.state.platform_id, message_id) for message_id in message_ids]
        await repair.refetch(self.job.db, keys, self.job.clock())


def _touched(pages: list[tuple[int, tuple[MessageRecord, ...]]], watch: ChangeTracker) -> set[str]:
    return {i for asked_at, page in pages for i in watch.changed_since(asked_at, (m.platform_id for m in page))}
