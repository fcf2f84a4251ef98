"""Read one channel from its checkpoint to its end: an empty page, or a page that is not full and holds the head.

The head is the newest message by the platform. It is a hint: it may be deleted, late, left out, or older than others.
So a full page is never the end, nor is one that is not full and does not hold the head.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from adapters.errors import UntrueAnswer
from adapters.events import Stream
from adapters.ids import number
from adapters.records import MessageRecord
from bot.live import ChangeTracker
from bot.sync.channel import EmptyPage
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.context import JobContext
from bot.sync.pages import Answer, first_behind, read_behind
from storage import messages
from storage.channels import ChannelState
from storage.messages import Changed, MessageBatch, MessageRef

_Pages: TypeAlias = list[tuple[datetime, int, tuple[MessageRecord, ...]]]
"""Pages, each with the time of its request and the tracker's mark at that time."""


@dataclass(slots=True)
class ChannelReader:
    """One job's way through one channel."""

    job: JobContext
    state: ChannelState
    estimator: ChannelEstimator
    _fetched: _Pages = field(default_factory=list)
    _is_stored: bool = False  # whether everything fetched is stored
    _began: float = field(default_factory=lambda: time.monotonic())
    _stream: Stream | None = None  # of the tenant's events, when the reading began

    async def run(self) -> None:
        """Read to the end, and commit every ``batch_size`` messages; fetched messages are stored however it ends."""
        self._stream = self.job.session.stream
        with self.job.tracking(self.state) as tracker:
            try:
                is_read = self.estimator.is_done = await self._read(tracker)
            except UntrueAnswer:
                del self._fetched[-1:]  # what was requested behind it, or again, shows that it is not the next page
                raise
            finally:
                await self._flush(tracker)
        self._is_stored = True
        if is_read:
            await self._settle()

    async def _read(self, tracker: ChangeTracker) -> bool:
        """Fetch pages to the channel's end; return False where the end is an empty page that is unproven."""
        state, progress = self.state, self.job.progress
        after = state.checkpoint_id
        is_end_near = after is not None and (state.head_id is None or number(state.head_id) <= number(after))
        known = frozenset[str]()
        unconfirmed: tuple[str | None, Answer] | None = None
        while True:
            requested_at, began_at, mark = self.job.clock(), self.job.live.instant(), tracker.mark()
            answer = await read_behind(
                self.job.session, state.platform_id, after, parent_id=state.thread_parent_id, with_witness=is_end_near
            )
            is_due = unconfirmed and (answer.reached is None or unconfirmed[1].holds(state.head_id))
            if unconfirmed and is_due and not await self._confirm(*unconfirmed):
                del self._fetched[-1:]
                return self._add_unproven(unconfirmed[0])
            is_end = not answer.is_full and answer.holds(state.head_id)
            whole = answer.messages if is_end else answer.up_to_reached
            fresh = tuple(message for message in whole if message.platform_id not in known)
            self.estimator.add(fresh, progress.estimator.now())
            if fresh:
                self._fetched.append((requested_at, mark, fresh))
            await self.job.note_shown(state, answer, began_at, visible_since=state.visible_since)
            unconfirmed = (after, answer) if answer.is_full else None
            if answer.reached is None:
                return answer.is_proven or self._add_unproven(after)
            if sum(len(fetched) for *_, fetched in self._fetched[:-1]) >= self.job.config.batch_size:
                await self._flush(tracker, but_last=True)
            if is_end:
                return True
            is_end_near = not answer.is_full or answer.holds(state.head_id)
            after, known = answer.reached, frozenset(message.platform_id for message in whole)

    async def _confirm(self, after: str | None, answer: Answer) -> bool:
        """Request a full page again that holds the head: with its cursor ignored it would be the same.

        Only after the page behind it, which shows that the cursor is no longer ignored.

        Returns:
            False where it is empty now: the bot may not read there any more, and the page stays unconfirmed.

        Raises:
            UntrueAnswer: messages lie before it that it left out.
        """
        state = self.state
        first = await first_behind(self.job.session, state.platform_id, after, parent_id=state.thread_parent_id)
        if first is not None and first < number(answer.messages[0].platform_id):
            raise UntrueAnswer("the platform left out messages that are there", attempts=1)
        return first is not None

    def _add_unproven(self, after: str | None) -> bool:
        """Keep the empty page behind a message until it is proven; then the channel counts as read to its end."""

        async def accept(*_: object) -> None:
            if self._is_stored:
                await self._settle()

        self.job.unproven.append(
            EmptyPage(
                channel=self.state,
                parent_id=self.state.thread_parent_id,
                after=after,
                expected=self.state.head_id,
                accept=accept,
            )
        )
        return False

    async def _settle(self) -> None:
        await self.job.settle(self.state, self._head_to_remember(), self._stream, read_since=self._began)

    def _head_to_remember(self) -> str | None:
        """Return the head for which no request is needed while it stays the same.

        Where the head has moved back, the highest known one stays, so that the next sync reads again: newer messages
        may exist. An archived thread cannot have new messages.
        """
        head, before = self.state.head_id, self.state.deleted_head_id
        if head is None or before is None or self.state.is_archived_thread:
            return head
        return max(head, before, key=number)

    async def _flush(self, tracker: ChangeTracker, *, but_last: bool = False) -> None:
        """Store fetched pages; ``but_last`` keeps the last one until the next page confirms it.

        If that fails nothing that follows may be stored, or the checkpoint would pass over it.
        """
        count = len(self._fetched) - but_last
        pages, following = self._fetched[:count], self._fetched[count:]
        if not pages:
            return
        self._fetched = []

        def changed() -> set[MessageRef]:
            ids = {i for _, mark, page in pages for i in tracker.changed_since(mark, (m.platform_id for m in page))}
            return self.job.refs(self.state, ids)

        async def write(changed_before: set[MessageRef], since: Changed) -> None:
            if changed_before:  # their events found nothing stored that they could change
                await self.job.refetch(changed_before)
            await self._save([message for *_, page in pages for message in page], pages[0][0], since)
            self._fetched = following

        await self.job.store(changed, write)

    async def _save(self, fetched: list[MessageRecord], requested_at: datetime, changed: Changed) -> None:
        """Store rows and checkpoint, in one transaction."""
        job = self.job
        batch = MessageBatch(
            tenant_id=job.tenant_id,
            channel_id=self.state.id,
            messages=fetched,
            job=job.lease,
            requested_at=requested_at,
            changed=changed,
        )
        began = time.monotonic()
        refused = await messages.save_batch(job.db, batch, job.clock())
        job.set_aside(self.state, refused)
        job.metrics.batch_committed(len(fetched), time.monotonic() - began)
        job.progress.messages += len(fetched) - len(refused)
