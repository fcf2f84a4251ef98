"""Reads one channel, oldest first, from its checkpoint up to the head that was pinned when the job began."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformSession
from adapters.records import ChannelType, MessageRecord
from bot.concurrency import finish
from bot.progress import Progress
from storage import messages
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch


@dataclass(frozen=True, slots=True)
class ChannelStore:
    """Where one channel's messages go, under one job's lease."""

    db: Database
    tenant_id: str
    state: ChannelState
    lease: JobLease
    clock: Callable[[], datetime]

    async def save(self, batch: list[MessageRecord]) -> None:
        """Rows and checkpoint, in one transaction."""
        kept = MessageBatch(tenant_id=self.tenant_id, channel_id=self.state.id, messages=batch, job=self.lease)
        await messages.save_batch(self.db, kept, self.clock())

    async def finish(self, empty_head_id: str | None) -> None:
        """The channel has reached its head."""
        await messages.finish_channel(
            self.db, self.state.id, empty_head_id=empty_head_id, job=self.lease, now=self.clock()
        )


async def read_channel(session: PlatformSession, store: ChannelStore, batch_size: int, progress: Progress) -> None:
    """Page, and commit every ``batch_size`` messages; what was fetched is kept however this ends.

    Messages newer than the head that come with its page are kept too. A short page does not end a channel: only the
    head does, or an empty page, which says that the head was deleted.
    """
    state = store.state
    head = int(state.head_id) if state.head_id else None
    after = state.checkpoint_id
    parent_id = state.parent_platform_id if state.type is ChannelType.THREAD else None
    fetched: list[MessageRecord] = []

    async def flush() -> None:
        nonlocal fetched
        batch, fetched = fetched, []
        if batch:
            await finish(store.save(batch))
            progress.messages += len(batch)

    try:
        page: tuple[MessageRecord, ...] | None = None
        while page is None or (page and (head is None or int(after or 0) < head)):
            page = await session.messages(state.platform_id, after, parent_id=parent_id)
            if page:
                after = page[-1].platform_id
                fetched += page
            if len(fetched) >= batch_size:
                await flush()
    finally:
        await flush()
    await store.finish(state.head_id if not page else None)
