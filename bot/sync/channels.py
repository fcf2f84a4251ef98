"""Update the stored channels and threads by the platform's listings."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import ChannelType
from bot.concurrency import for_each
from bot.live import Listing
from bot.sync.context import JobContext
from bot.sync.threads import ThreadListing
from storage import channels
from storage.channels import ChannelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a listing of the channels holds."""

    listing: Listing
    ids: set[str]  # of the channels and active threads
    parents: list[str]  # the channels that can have archived threads
    is_whole: bool  # else the channels alone were listed


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """One job's listing of a tenant's channels and threads."""

    job: JobContext
    threads: ThreadListing

    async def list_channels(self, *, only_channels: bool) -> Listed:
        """Store the listed channels and active threads; without the threads for ``only_channels``.

        That is enough where every channel and thread is known by the last whole listing and the events since: the heads
        show whether a message was missed.
        """
        job = self.job
        began, began_at = time.monotonic(), job.clock()
        records = await job.list_channels(only_channels=only_channels)
        self.threads.note_heads(records)
        await channels.follow_parents(job.db, job.tenant_id, job.clock())
        return Listed(
            listing=Listing(stream=job.session.stream, began=began, began_at=began_at),
            ids={record.platform_id for record in records},
            parents=[record.platform_id for record in records if record.has_archived_threads],
            is_whole=not only_channels,
        )

    async def list_threads(self, listed: Listed) -> None:
        """Store the archived threads of channels, and request by itself what is missing from all listings."""
        job = self.job
        if not listed.is_whole:
            await self._find_vanished_channels(listed.ids)
            return
        await self.threads.run(await channels.named_channels(job.db, job.tenant_id, listed.parents))
        await job.settle_refusals()
        await self._find_vanished(listed.ids)
        if self.threads.is_whole and not job.failures:
            job.live.followed.settle(job.tenant_id, listed.listing)

    async def _find_vanished_channels(self, listed: set[str]) -> None:
        """Request the channels that are missing though no event said so, not even by now."""
        job = self.job
        if await self._vanished_channels(listed):
            await asyncio.sleep(job.config.event_patience.total_seconds())
            await job.live.catch_up(job.tenant_id)
            states = await self._vanished_channels(listed)
            await self._look_up(states, self._find_channel)
            left = await self._vanished_channels(listed)  # such as one that was made after the listing
            job.listings.unheard += len(states) - len(left)
            job.metrics.live_missed("channels", len(states) - len(left))

    async def _vanished_channels(self, listed: set[str]) -> list[ChannelState]:
        return await channels.channels_to_be_found(
            self.job.db, self.job.tenant_id, listed=listed, missed=(), with_threads=False
        )

    async def _find_vanished(self, listed: set[str]) -> None:
        """Request each channel that is missing from the listing, since absence alone proves nothing.

        Channels come first: where a channel turns out to be skipped, its threads need no request.
        """
        states = await self._not_listed(listed)
        gone = [s for s in states if s.type is not ChannelType.THREAD and s.platform_id not in listed]
        await self._look_up(gone, self._find_channel)
        if gone:
            states = await self._not_listed(listed)
        threads = [state for state in states if state.type is ChannelType.THREAD]
        await self._look_up([t for t in threads if self.threads.is_to_be_looked_up(t, listed)], self.threads.look_up)
        seen = [t.platform_id for t in threads if t.looked_up_at or t.unlisted_since]
        shown = [i for i in seen if i in listed or i in self.threads.listed]
        if shown:
            await channels.note_listed(self.job.db, self.job.tenant_id, shown, self.job.clock())

    async def _not_listed(self, listed: Collection[str]) -> list[ChannelState]:
        missed = self.threads.unlisted
        return await channels.channels_to_be_found(self.job.db, self.job.tenant_id, listed=listed, missed=missed)

    async def _look_up(self, states: list[ChannelState], look_up: Callable[[ChannelState], Awaitable[None]]) -> None:
        if states:
            await for_each(states, self.job.config.concurrent_channels, look_up)
            await self.job.settle_refusals()
            await channels.follow_parents(self.job.db, self.job.tenant_id, self.job.clock())

    async def _find_channel(self, state: ChannelState) -> None:
        """Skip a channel that is neither listed nor found by itself, until a listing contains it again."""
        job = self.job
        try:
            await job.session.find_channel(state.platform_id)
            self.threads.note_unlisted_head(state)
        except ChannelUnreadable as e:
            reason = e.reason
            await job.refuse(lambda: job.skip(state, reason))
        except CallFailed as e:
            await job.give_up(state, e, attempts=e.attempts)
