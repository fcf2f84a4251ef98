"""Fetched lists of users, gathered over all channels and stored many at a time: each alone would cost a transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.concurrency import finish
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from storage import reactions
from storage.errors import ValueRefused
from storage.messages import Changed, MessageRef
from storage.reactions import PendingChannel, UserList

_MOST_LISTS, _MOST_USERS = 100, 10_000
_MOST_SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class FetchedList:
    """A list and what has to be known of it until it is stored."""

    channel: PendingChannel
    ref: MessageRef
    users: UserList
    tracker: ChangeTracker  # of the channel's messages; to be kept until the list is stored
    mark: int  # of the tracker, before the list was fetched

    @property
    def is_changed(self) -> bool:
        """Whether events were about the message since the list was fetched, so that it may be older than them."""
        return bool(self.tracker.changed_since(self.mark, [self.ref[-1]]))

    @property
    def is_short(self) -> bool:
        """Whether fewer were found than there were by a known count; an unknown one becomes what is found."""
        total = self.users.total
        return total.is_count_known and len(self.users.user_hashes) < total.count


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch."""

    crossed: list[FetchedList] = field(default_factory=list)  # events were about their messages: to be fetched again
    skipped: set[int] = field(default_factory=set)  # channels (``channels.id``) that were hidden meanwhile
    refused: dict[int, ValueRefused] = field(default_factory=dict)  # by channel: what the database cannot hold


class ReactionBatches:
    """Stores the lists of one job, at most 100 in one transaction, and those of half a second."""

    def __init__(self, job: JobContext, on_stored: Callable[[list[FetchedList]], Awaitable[None]]) -> None:
        self._job = job
        self._on_stored = on_stored
        self._gathered: list[FetchedList] = []
        self._users = 0  # in those gathered
        self._is_due = asyncio.Event()
        self._storing: asyncio.Task[Stored] | None = None  # the batch that is being gathered
        self._unfinished: set[asyncio.Task[Stored]] = set()

    def add(self, fetched: FetchedList) -> "asyncio.Task[Stored]":
        """Add a list; return the batch that it will be stored with."""
        if self._storing is None:
            self._gathered, self._users, self._is_due = [], 0, asyncio.Event()
            self._storing = asyncio.create_task(self._store_when_due(self._gathered, self._is_due))
            self._unfinished.add(self._storing)
            self._storing.add_done_callback(self._finished)
        storing = self._storing
        self._gathered.append(fetched)
        self._users += len(fetched.users.user_hashes)
        if len(self._gathered) >= _MOST_LISTS or self._users >= _MOST_USERS:
            self._end_batch()
        return storing

    async def flush(self) -> None:
        """Store what was gathered, also where the job is cancelled; return once no list is on its way."""
        self._end_batch()
        if self._unfinished:
            await finish(self._settle())

    async def _settle(self) -> None:
        await asyncio.wait(self._unfinished)

    def _finished(self, storing: "asyncio.Task[Stored]") -> None:
        self._unfinished.discard(storing)
        if not storing.cancelled():
            storing.exception()  # marks it as retrieved, where nobody waits for it any more

    def _end_batch(self) -> None:
        self._is_due.set()
        self._storing = None

    async def _store_when_due(self, gathered: list[FetchedList], is_due: asyncio.Event) -> Stored:
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                await is_due.wait()
        except TimeoutError:
            if gathered is self._gathered:
                self._storing = None
        job = self._job

        def changed() -> set[MessageRef]:
            return {fetched.ref for fetched in gathered if fetched.is_changed}

        async def write(changed_before: set[MessageRef], _: Changed) -> Stored:
            stored = Stored(crossed=[fetched for fetched in gathered if fetched.ref in changed_before])
            await self._save([fetched for fetched in gathered if fetched.ref not in changed_before], stored)
            return stored

        return await job.store(changed, write)

    async def _save(self, lists: list[FetchedList], stored: Stored) -> None:
        """Store lists; where the database refuses one, each by itself."""
        job, by_list = self._job, {fetched.users: fetched for fetched in lists}
        if not lists:
            return
        try:
            unsaved = await reactions.save_users(job.db, list(by_list), job=job.lease, now=job.clock())
        except ValueRefused as e:
            if len(lists) == 1:
                stored.refused[lists[0].channel.id] = e
                return
            for fetched in lists:
                await self._save([fetched], stored)
            return
        stored.skipped.update(unsaved.skipped)
        changed = {by_list[users] for users in unsaved.changed}
        await self._on_stored([f for f in lists if f not in changed and f.channel.id not in unsaved.skipped])
