"""The last pass of a sync: the users behind the reactions, once all messages are stored.

Only lists whose totals differ from those they were last fetched at are fetched, they are committed many at a time, and
the pass ends where it is when the tenant's next sync is due: new messages never wait for a backlog of reactions.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from math import ceil

from adapters.errors import MessageGone
from adapters.pages import WantedUsers
from bot.concurrency import finish, for_each
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from bot.sync.reaction_batches import FetchedList, ReactionBatches, Stored
from storage import messages, reactions
from storage.errors import ChannelSkipped
from storage.messages import MessageRef
from storage.reactions import PendingChannel, PendingTotal, UserList
from storage.repair import RefetchKind

_TOTALS_A_PAGE = 100  # looked up in the archive at a time


@dataclass(slots=True)
class ReactionPass:
    """One job's way through a tenant's reactions."""

    job: JobContext
    _batches: ReactionBatches = field(init=False)
    _outdated: set[MessageRef] = field(default_factory=set)  # messages whose totals have to be read again

    def __post_init__(self) -> None:
        self._batches = ReactionBatches(self.job, self._count_stored)

    async def run(self) -> None:
        """Fetch what is pending until all is done or the next sync is due; the largest channels first.

        A channel has a pace of its own: were it the last one, the others' would be of no use to it.
        """
        job, progress = self.job, self.job.progress
        pending = await reactions.pending_channels(job.db, job.tenant_id, users_per_request=job.session.page_size)
        pending.sort(key=lambda channel: channel.requests, reverse=True)
        progress.reactions_pending = sum(channel.lists for channel in pending)
        progress.estimator.begin_reactions(sum(channel.requests for channel in pending))
        await for_each(pending, job.config.concurrent_channels, self._fetch_channel)
        if pending:  # counted again: events may have added and cleared lists meanwhile
            progress.reactions_pending = await reactions.pending_lists(job.db, job.tenant_id)
        progress.expect_repairs(progress.repairs_left + Counter({RefetchKind.REFETCH: len(self._outdated)}))
        progress.is_cut_short |= progress.reactions_pending > 0 and job.should_yield

    async def _fetch_channel(self, channel: PendingChannel) -> None:
        if self.job.should_yield:
            return
        async with self.job.guard(channel):
            with self.job.tracking(channel) as tracker:
                try:
                    crossed = await self._fetch_totals(channel, tracker, self._pending(channel))
                    await self._fetch_totals(channel, tracker, _each(crossed))
                except BaseException:
                    await self._batches.flush()  # while there is the tracker
                    raise

    async def _pending(self, channel: PendingChannel) -> AsyncIterator[PendingTotal]:
        after: PendingTotal | None = None
        while totals := await reactions.pending_totals(self.job.db, channel.id, after, _TOTALS_A_PAGE):
            for total in totals:
                yield total
            after = totals[-1]

    async def _fetch_totals(
        self, channel: PendingChannel, tracker: ChangeTracker, totals: AsyncIterable[PendingTotal]
    ) -> list[PendingTotal]:
        """Fetch lists and see to it that they are stored; return those that events crossed on their way."""
        crossed = list[PendingTotal]()
        storing: asyncio.Task[Stored] | None = None
        async for of_message in _by_message(totals):
            if self.job.should_yield:
                break
            for batch in await self._fetch(channel, of_message, tracker):
                if batch is not storing:
                    crossed += await _crossed(channel, storing)
                    storing = batch
        return crossed + await _crossed(channel, storing)

    async def _fetch(
        self, channel: PendingChannel, totals: list[PendingTotal], tracker: ChangeTracker
    ) -> "list[asyncio.Task[Stored]]":
        """Fetch the users of one message's totals; return the batches that these are stored with, as they began.

        Each list goes into a batch as soon as it is there: one that cannot be had loses none before it.
        """
        message_id, batches = totals[0].message_platform_id, list[asyncio.Task[Stored]]()
        ref = self.job.tenant_id, channel.platform_id, message_id
        left = {WantedUsers(emoji=one.emoji, burst=one.burst, total=one.expected): one for one in totals}
        mark = tracker.mark()
        try:
            async with aclosing(
                self.job.session.reaction_users(channel.platform_id, message_id, list(left))
            ) as answers:
                async for answer in answers:
                    for wanted, users in answer.items():
                        found = UserList(left.pop(wanted), frozenset(users))
                        batches.append(self._batches.add(FetchedList(channel, ref, found, tracker, mark)))
                    if self.job.should_yield:
                        break
                    mark = tracker.mark()
        except MessageGone:
            await finish(self._mark_deleted(channel, message_id))
            self._done(len(left))
        return batches

    async def _count_stored(self, stored: list[FetchedList]) -> None:
        """Count stored lists; the messages of those that are shorter than their totals are read again."""
        progress, page_size = self.job.progress, self.job.session.page_size
        for fetched in stored:
            users = len(fetched.users.user_hashes)
            progress.reactions += users
            progress.reactions_done += 1
            progress.estimator.lists_done += max(ceil(users / page_size), 1)
            self._done()
        short = {fetched.ref for fetched in stored if fetched.is_short}
        if short:
            self._outdated |= short
            await self.job.refetch(short)

    def _done(self, lists: int = 1) -> None:
        progress = self.job.progress
        progress.reactions_pending = max(progress.reactions_pending - lists, 0)  # events may have added some

    async def _mark_deleted(self, channel: PendingChannel, message_id: str) -> None:
        job = self.job
        await messages.mark_deleted(job.db, channel.id, [message_id], job=job.lease, now=job.clock())


async def _by_message(totals: AsyncIterable[PendingTotal]) -> AsyncIterator[list[PendingTotal]]:
    """Gather the totals of each message, which come one behind the other."""
    gathered: list[PendingTotal] = []
    async for total in totals:
        if gathered and gathered[0].message_platform_id != total.message_platform_id:
            yield gathered
            gathered = []
        gathered.append(total)
    if gathered:
        yield gathered


async def _each(totals: list[PendingTotal]) -> AsyncIterator[PendingTotal]:
    for total in totals:
        yield total


async def _crossed(channel: PendingChannel, storing: "asyncio.Task[Stored] | None") -> list[PendingTotal]:
    """Wait until a batch is stored; return those of the channel's totals in it that are to be fetched again.

    Raises:
        ChannelSkipped: the channel was hidden meanwhile.
        ValueRefused: the database cannot hold a list of the channel.
    """
    if storing is None:
        return []
    stored = await asyncio.shield(storing)
    if channel.id in stored.skipped:
        raise ChannelSkipped
    if refused := stored.refused.get(channel.id):
        raise refused
    return [fetched.users.total for fetched in stored.crossed if fetched.channel is channel]
