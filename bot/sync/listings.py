"""Listing a tenant's channels, at the beginning of a job and whenever changes of them may have been missed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base import PlatformSession
from adapters.records import ChannelRecord
from bot.live import ChangeTracker, LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync.channel import AnyChannel
from bot.sync.unheard import count_unheard
from storage import channels
from storage.database import Database
from storage.jobs import JobLease

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 4.0  # less than the grace of ``finish`` for a cancelled job


@dataclass(slots=True)
class _Listings:
    """The listings of a job: when the newest one began, by the monotonic clock, and how soon the next may begin."""

    began: float = 0.0
    is_stored: bool = True  # whether the newest one was; one that failed proves nothing
    unheard: int = 0  # channels and threads that it showed otherwise than the events said
    has_shown_threads: bool = False  # whether pages of messages showed threads since that was last looked at
    pause_seconds: float = 0.0  # before the next one while the gateway is disconnected; grows
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingContext:
    """What lists the channels of one job's tenant, and stores them."""

    db: Database
    session: PlatformSession
    tenant_id: str
    lease: JobLease
    live: LiveWriter
    config: SyncConfig
    clock: Callable[[], datetime]
    metrics: Metrics
    listings: _Listings = field(default_factory=_Listings)

    def tracking(self, channel: AnyChannel | None) -> AbstractContextManager[ChangeTracker]:
        """Track what changes in a channel while its pages are read; None: of the channels while they are listed."""
        return self.live.trackers.tracking(self.tenant_id, channel.platform_id if channel else None)

    async def list_channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        """List the channels and store them; with the active threads, unless ``only_channels``."""
        self.listings.is_stored = False
        self.listings.began, began_at = time.monotonic(), self.live.instant()
        with self.tracking(None) as tracker:
            records = await self.session.channels(only_channels=only_channels)
            if self.live.followed.is_settled(self.tenant_id):
                self.listings.unheard = await count_unheard(
                    self.live, self.metrics, self.tenant_id, records, tracker, self.config.event_patience
                )
            # Else one hidden before the listing would be hidden after it.
            await self.live.write_channels(self.tenant_id)
            await self.save_channels(records, began_at, tracker)
        self.listings.is_stored = True
        return records

    async def save_channels(self, records: Sequence[ChannelRecord], began_at: datetime, tracker: ChangeTracker) -> None:
        """Store what was listed since a time, but for what events said of it meanwhile."""
        await channels.save_channels(
            self.db,
            self.tenant_id,
            records,
            self.clock(),
            began_at=began_at,
            described=tracker.changed,
            job=self.lease,
        )

    async def update_channels(self) -> None:
        """Store the received changes of channels; list the channels where changes may have been missed.

        One listing serves all that wait for it. While the gateway is disconnected the pause between listings grows, so
        that a disconnection costs requests by its length and not by the number of batches stored meanwhile.
        """
        called, listings = time.monotonic(), self.listings
        if await self._is_current():
            return
        async with listings.lock:
            if (listings.began > called and listings.is_stored) or await self._is_current():
                return
            await asyncio.sleep(listings.pause_seconds)
            if await self._is_current():
                return
            listings.pause_seconds = min(2 * listings.pause_seconds + _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            await self.list_all()

    async def list_all(self) -> None:
        """List the channels and active threads; threads take the skip reasons of their parents."""
        await self.list_channels()
        await channels.follow_parents(self.db, self.tenant_id, self.clock())

    async def _is_current(self) -> bool:
        """Write the received changes of channels; return whether none can have been missed since the last listing."""
        await self.live.write_channels(self.tenant_id)
        is_current = self.session.receives_changes and self.listings.is_stored
        if is_current:
            self.listings.pause_seconds = 0.0
        return is_current
