"""Reads the new messages of a tenant's channels, beside the listing of their archived threads.

That listing takes minutes in a large forum, at one request for a hundred threads. So what is known is read at once, and
each thread once the page with it is stored. While there is no end of the listing there is no estimate, either.
"""

import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from adapters.ids import number
from adapters.records import ChannelType
from bot.concurrency import for_each, for_each_of, together
from bot.pickled import PickledList
from bot.sync.channel_estimator import estimator_of
from bot.sync.channels import ChannelListing, Listed
from bot.sync.context import JobContext
from bot.sync.followed import is_contradicted, knows_all, note_following
from bot.sync.messages import ChannelReader
from bot.sync.outcomes import ChannelOutcome
from bot.sync.proof import ProofPass
from storage import channels, reactions, tenants
from storage.channels import ChannelState

_AT_ONCE = 500  # channels that are loaded together


class _Chosen:
    """Channels that are to be read, in the order in which they are.

    A thread is rarely long; what starts last should not have the longest way.
    """

    def __init__(self) -> None:
        self._channels, self._threads = PickledList[ChannelState](), PickledList[ChannelState]()

    def extend(self, states: Iterable[ChannelState]) -> None:
        for state in states:
            (self._threads if state.type is ChannelType.THREAD else self._channels).extend([state])

    def __iter__(self) -> Iterator[ChannelState]:
        return chain(self._channels, self._threads)


@dataclass(slots=True)
class ReadingPass:
    """One job's way through the channels that have news."""

    job: JobContext
    listing: ChannelListing
    _rest: _Chosen | None = None  # what is left to be read once the listing has ended; None: it has not
    _is_whole: bool = True  # whether everything was listed, or the channels alone
    _is_idle: bool = False  # whether everything chosen so far was read
    _chosen_at: float = 0.0  # the beginning of the newest listing of channels before channels were last chosen
    _last_id: int = 0  # ``channels.id`` of the last channel that was seen so far
    _put_off: set[str] = field(default_factory=set)  # channels that the listing may find to be gone, by platform id
    _proves: bool = True  # whether the listing shows of each unread channel that no message is missing

    async def run(self) -> PickledList[ChannelState]:
        """Read what has news; return the channels that have none and that had failed before."""
        job, estimator = self.job, self.job.progress.estimator
        listed = await self._list_channels()
        known, others = await self._choose_known(listed.ids if listed.is_whole else None)
        if job.config.reaction_users:
            job.progress.reactions_pending = await reactions.pending_lists(job.db, job.tenant_id)
        estimator.is_listing = True
        estimator.begin(job.progress.reactions_pending, page_size=job.session.page_size)
        limit = job.config.concurrent_channels
        reading = for_each_of(self._as_known(known), limit, self._read_channel)
        await together(self._list_threads(listed), reading)
        if job.listings.began > self._chosen_at or self.listing.threads.has_stored or job.listings.has_shown_threads:
            # Channels were listed once more, and a thread that was reopened between two listings turned up; or one was
            # listed with a newer message after it had been read, or showed itself in a channel's messages.
            await self._read_rest()
        await ProofPass(job).run()
        await job.settle_refusals()
        await job.live.catch_up(job.tenant_id)  # channels that became followed while others were read
        await note_following(job)
        return others

    async def read_shown_threads(self) -> None:
        """Read the threads that pages have shown since ``run``, such as those of an old message that was read again."""
        if self.job.listings.has_shown_threads:
            await self._read_rest()
            await ProofPass(self.job).run()
            await self.job.settle_refusals()

    async def _read_rest(self) -> None:
        self._is_idle, self.job.listings.has_shown_threads = True, False
        await for_each(await self._choose_rest(), self.job.config.concurrent_channels, self._read_channel)

    async def _list_channels(self) -> Listed:
        """List the channels alone where that suffices; where their heads contradict the events, list everything."""
        is_brief = await knows_all(self.job)
        listed = await self.listing.list_channels(only_channels=is_brief)
        if await is_contradicted(self.job) and is_brief:
            listed = await self.listing.list_channels(only_channels=False)
        self._is_whole = listed.is_whole
        return listed

    async def _list_threads(self, listed: Listed) -> None:
        await self.listing.list_threads(listed)
        if listed.is_whole or self.job.listings.unheard:
            await is_contradicted(self.job)
        self._rest = await self._choose_rest(listed)
        self.job.progress.estimator.is_listing = False
        self.listing.threads.stored.set()

    async def _as_known(self, known: _Chosen) -> AsyncGenerator[ChannelState, None]:
        """Yield the channels to be read as they become known, up to the end of the listing."""
        for state in known:
            yield state
        stored = self.listing.threads.stored
        while self._rest is None:
            await stored.wait()
            stored.clear()
            for state in await self._choose_new():
                yield state
        for state in self._rest:
            yield state

    async def _choose_known(self, listed: set[str] | None) -> tuple[_Chosen, PickledList[ChannelState]]:
        """Choose what has news; put off what is missing from a whole listing (``listed``), and return apart what has
        only failed.
        """
        chosen, others, archived = _Chosen(), PickledList[ChannelState](), set[str]()
        self._note_choice()
        async for some in self._to_be_read():
            missing = [s for s in some if listed and s.is_in_listings and s.platform_id not in listed]
            self._put_off |= {state.platform_id for state in missing if self._has_news(state)}
            self._choose(chosen, [state for state in some if state.platform_id not in self._put_off])
            others.extend(state for state in some if not self._has_news(state))
            archived |= {state.platform_id for state in some}
            self._last_id = max(self._last_id, *(state.id for state in some))
        self.job.progress.channels.expect(self._put_off)
        await self._recount(archived)
        return chosen, others

    async def _choose_new(self) -> _Chosen:
        """Choose what was stored since channels were last chosen."""
        chosen = _Chosen()
        async for some in channels.channels_to_be_read(self.job.db, self.job.tenant_id, after=self._last_id):
            self._last_id = some[-1].id
            self._choose(chosen, some)
        return chosen

    async def _choose_rest(self, ended: Listed | None = None) -> _Chosen:
        """Choose everything that has news and was not chosen before, or not for these.

        What has none is followed from then on, if the listing has ended.
        """
        chosen, archived, unread, began = _Chosen(), set[str](), set[str](), time.monotonic()
        self._note_choice()
        async for some in self._to_be_read():
            self._choose(chosen, some)
            archived |= {state.platform_id for state in some}
            unread |= {state.platform_id for state in some if self._has_news(state)}
        tenant_id, followed = self.job.tenant_id, self.job.live.followed
        if ended is not None:
            followed.begin(tenant_id, ended.listing, unread=unread, seen_at=began, proves=self._proves)
        else:
            followed.read_first(tenant_id, unread)
        await self._recount(archived)
        return chosen

    async def _to_be_read(self) -> AsyncGenerator[list[ChannelState], None]:
        """Yield what may have news or has failed, then what was listed without a head.

        That is read once a stream, and with every whole listing: nothing else proves that no message was missed.
        """
        job = self.job
        self._proves = True
        async for some in channels.channels_to_be_read(job.db, job.tenant_id):
            yield some
        headless = list(self.listing.threads.headless)
        for at in range(0, len(headless), _AT_ONCE):
            states = await channels.named_channels(job.db, job.tenant_id, headless[at : at + _AT_ONCE])
            news = [state for state in states if self._has_news(state)]
            self._proves &= all(s in news or self._is_done(s) or not self._has_unknown_head(s) for s in states)
            if news:
                yield news

    def _note_choice(self) -> None:
        """Note which listing of channels the choice rests on: none that is still under way."""
        listings = self.job.listings
        self._chosen_at = listings.began if listings.is_stored else 0.0

    def _choose(self, chosen: _Chosen, states: Iterable[ChannelState]) -> None:
        outcomes, estimator = self.job.progress.channels, self.job.progress.estimator
        news = [state for state in states if self._has_news(state) and self._is_open(state)]
        self._put_off -= {state.platform_id for state in news}
        outcomes.expect(state.platform_id for state in news)
        for state in news:
            estimator.expect(estimator_of(self.job.session, state))
        chosen.extend(news)

    def _has_news(self, state: ChannelState) -> bool:
        """Return whether a channel has to be read.

        One that was listed without its newest message has to be once in a stream. A head that is no newer than the
        checkpoint says nothing of what came since: a text channel is read for it, but not twice in a job, nor where it
        is followed, unless everything is compared.
        """
        tenant_id, followed = self.job.tenant_id, self.job.live.followed
        is_done, is_headless = self._is_done(state), self._is_headless(state)
        is_to_be_looked_at = self._is_whole and self._has_unknown_head(state)
        is_read = followed.is_read(tenant_id, state.platform_id) and not is_to_be_looked_at
        if is_headless and not is_done and not is_read:
            return True
        if not state.is_read_to_end or number(state.head_id) > number(state.checkpoint_id):
            return state.has_news
        if is_headless or is_done:
            return False
        return state.has_news and (self._is_whole or not followed.is_followed(tenant_id, state.platform_id))

    def _is_headless(self, state: ChannelState) -> bool:
        return state.skip_reason is None and self.listing.threads.is_headless(state)

    def _has_unknown_head(self, state: ChannelState) -> bool:
        return state.skip_reason is None and self.listing.threads.headless.get(state.platform_id) is False

    def _is_done(self, state: ChannelState) -> bool:
        return self.job.progress.channels.get(state.platform_id) is ChannelOutcome.DONE

    def _is_open(self, state: ChannelState) -> bool:
        """Return whether a channel that has news was not chosen before, or is a thread that was read before them.

        While channels are being read a state may be older than the outcome, so that its news are read already.
        """
        is_read = self._is_idle and self._is_done(state) and state.type is ChannelType.THREAD
        is_new = self.job.progress.channels.get(state.platform_id) is None
        return is_new or is_read or state.platform_id in self._put_off

    async def _recount(self, archived_ids: set[str]) -> None:
        totals = await tenants.tenant_totals(self.job.db, self.job.tenant_id)
        self.job.progress.channels.recount(
            archived=totals.channels_archived, skipped=totals.channels_skipped, archived_ids=archived_ids
        )

    async def _read_channel(self, state: ChannelState) -> None:
        all_channels, estimator = self.job.progress.estimator, estimator_of(self.job.session, state)
        all_channels.start(estimator)
        try:
            async with self.job.guard(state):
                await ChannelReader(self.job, state, estimator).run()
        finally:
            all_channels.end(estimator)
