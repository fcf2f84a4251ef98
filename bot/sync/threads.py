"""Update the stored archived threads by the platform's listing, and find those missing from all listings."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from adapters.records import ChannelRecord, ChannelType
from bot.concurrency import finish, for_each
from bot.sync.context import JobContext
from storage import channels, repair
from storage.channels import ChannelState
from storage.errors import StorageError

_KEPT_FOR = timedelta(days=1)  # a listing by an interrupted sync
# an unlisted thread is requested by every sync for so long, then ever more rarely ...
_LOOKED_UP_OFTEN = timedelta(hours=6)
_LOOKED_UP_SELDOM = timedelta(days=1)  # ... but at least as often as this


@dataclass(slots=True)
class ThreadListing:
    """One job's listing of the archived threads of a tenant's channels.

    After a gap all of them are listed again, which finds deleted ones at the price of one request a hundred.
    """

    job: JobContext
    listed: set[str] = field(default_factory=set)  # platform ids of all listed threads
    # What was listed without its newest message, by platform id: whether it is said that there never was one.
    headless: dict[str, bool] = field(default_factory=dict)
    # platform ids of threads that are missing from the page that should have held them
    unlisted: set[str] = field(default_factory=set)
    stored: asyncio.Event = field(default_factory=asyncio.Event)  # set with each page with threads
    has_stored: bool = False  # whether there was one
    was_interrupted: bool = False  # whether the sync before was interrupted; its listings are kept
    is_whole: bool = False  # whether this job listed all archived threads that no earlier listing covers
    _listed_at: dict[str, datetime] = field(default_factory=dict)  # when this job began to list a channel's threads
    _missed_until: datetime | None = None

    async def run(self, parents: list[ChannelState]) -> None:
        """List the archived threads of each channel, except where an interrupted sync before has done so."""
        job = self.job
        self._missed_until = await repair.last_gap_end(job.db, job.tenant_id)
        self.was_interrupted = any(parent.threads_listed_at for parent in parents)
        left = [parent for parent in parents if not self._is_listed(parent)]
        await for_each(left, job.config.concurrent_channels, self._list)
        self.is_whole = len(self._listed_at) == len(parents)

    def _is_listed(self, parent: ChannelState) -> bool:
        listed_at = parent.threads_listed_at
        if listed_at is None or not timedelta() <= self.job.clock() - listed_at < _KEPT_FOR:
            return False
        return self._missed_until is None or listed_at > self._missed_until

    async def _list(self, parent: ChannelState) -> None:
        job = self.job
        relist_reason = self._missed_until.isoformat() if self._missed_until else None
        with job.tracking(None) as tracker:
            async with job.guard(parent):
                began_at, mark = job.live.instant(), tracker.mark()
                async for page in job.session.archived_threads(
                    parent.platform_id, parent.thread_cursor, now=began_at, relist_reason=relist_reason
                ):
                    self.listed |= page.listed
                    self.note_heads(page.threads)
                    since = partial(tracker.changed_since, mark, page.listed)
                    expected = await channels.archived_threads(
                        job.db, parent.id, after=page.archived_after, before=page.archived_before
                    )
                    if unlisted := expected - page.listed:
                        self.unlisted |= unlisted
                        await channels.note_unlisted(job.db, job.tenant_id, unlisted, job.clock())
                    if page.threads or page.cursor != parent.thread_cursor:
                        await channels.save_threads(
                            job.db,
                            job.tenant_id,
                            parent.platform_id,
                            page.threads,
                            page.cursor,
                            job.clock(),
                            began_at=began_at,
                            described=since,
                            job=job.lease,
                        )
                    if page.threads:
                        self.has_stored = True
                        self.stored.set()
                    mark = tracker.mark()
                self._listed_at[parent.platform_id] = began_at

    def note_heads(self, records: Iterable[ChannelRecord]) -> None:
        """Note the channels and threads of which a listing does not say whether they have new messages."""
        self.headless |= {
            record.platform_id: record.names_head
            for record in records
            if record.last_message_platform_id is None and record.type in (ChannelType.TEXT, ChannelType.THREAD)
        }

    def note_unlisted_head(self, state: ChannelState) -> None:
        """Note a channel that no listing contains, and that is there."""
        if state.holds_messages:
            self.headless[state.platform_id] = False

    def is_headless(self, state: ChannelState) -> bool:
        """Return whether a channel was listed so though there are or may be messages in it."""
        is_said_empty = self.headless.get(state.platform_id)
        return is_said_empty is not None and not (is_said_empty and state.checkpoint_id is None)

    def is_to_be_looked_up(self, state: ChannelState, listed: Collection[str]) -> bool:
        """Return whether a thread is missing from all listings and has to be requested by itself.

        A thread that stays missing is requested ever more rarely, unless it has new messages. One that is archived has
        none; its deletion is received as an event, or found after a gap.
        """
        if state.platform_id in listed or state.platform_id in self.listed:
            return False
        if state.thread_parent_id is None and state.looked_up_at is None:
            return True  # an event described it between the two listings; its parent decides whether it is read
        is_missing = state.platform_id in self.unlisted or state.awaits_lookup
        if state.is_archived_thread and not is_missing:
            return False
        looked_up_at, since = state.looked_up_at, state.unlisted_since
        if looked_up_at is None or since is None or (self._missed_until and looked_up_at <= self._missed_until):
            return True
        quiet = looked_up_at - since
        pause = timedelta() if quiet < _LOOKED_UP_OFTEN else min(quiet, _LOOKED_UP_SELDOM)
        return not state.is_archived_thread and self.job.clock() - looked_up_at >= pause

    async def look_up(self, state: ChannelState) -> None:
        """Request a thread that no listing contains, and store its current state: it may have new messages."""
        job = self.job
        async with job.guard(state):
            began_at = job.live.instant()
            with job.tracking(None) as tracker:
                found = await job.session.find_channel(state.platform_id)
                await job.save_channels([found] if found else [], began_at, tracker)
            self.note_heads([found] if found else [])
            has_changed = found is not None and found.last_message_platform_id not in (None, state.head_id)
            await channels.note_lookup(job.db, job.tenant_id, state.id, has_changed=has_changed, now=job.clock())

    async def keep(self) -> None:
        """Save the listings of an interrupted sync, so that the next one need not repeat them.

        Listings kept from the sync before keep their time, so that each is repeated once a day in any case.
        """
        job = self.job
        with suppress(StorageError):
            await finish(channels.keep_listings(job.db, job.tenant_id, self._listed_at, job=job.lease, now=job.clock()))
