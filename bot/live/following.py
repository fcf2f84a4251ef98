"""Track whose events are received, decide which process writes them, and record gaps.

One process leads each platform: it writes the events and the gaps. Only the hiding of a channel is written by every
process. The watermark stays where it is while anything may be unwritten, so that a later leader can record the gap.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter
from bot.failures import Failures
from bot.live.pending_gaps import PendingGaps
from storage.database import Database
from storage.errors import StorageError
from storage.live import acquire_leadership, advance_watermark
from storage.repair import GapReason
from storage.tenants import list_connected

_LEASE = timedelta(seconds=15)
_LOOK_SECONDS = 0.5


def received_until(adapter: PlatformAdapter) -> datetime | None:
    """Return until when every event of a platform's held parts has surely been received; None where that is unknown."""
    known = [adapter.received_until(part) for part in adapter.held]
    times = [time for time in known if time is not None]
    return min(times) if times and len(times) == len(known) else None


class Following:
    """The tenants of all platforms whose events this process receives."""

    def __init__(self, db: Database, owner: str, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._owner = owner
        self._clock = clock
        self._followed: dict[str, set[str]] = {}  # by platform: the tenants whose events are received
        self._silent: defaultdict[str, set[str]] = defaultdict(set)  # by platform: the tenants whose events are not
        self._pending_gaps: defaultdict[str, PendingGaps] = defaultdict(PendingGaps)
        self._watermarks: dict[str, datetime | None] = {}
        self._decided: set[str] = set()
        self._deciding = asyncio.Lock()
        self.led: set[str] = set()
        """The platforms whose events this process writes."""

    def connected(self, platform: str, tenant_ids: Iterable[str]) -> None:
        """Record a new connection for these tenants: the events before it are missing."""
        now, followed = self._clock(), self._followed.setdefault(platform, set())
        for tenant_id in tenant_ids:
            reason = GapReason.SESSION_LOST if tenant_id in followed else GapReason.PROCESS_DOWN
            self._pending_gaps[platform].missed([tenant_id], reason, now)
            self._silent[platform].discard(tenant_id)
            followed.add(tenant_id)

    def stand_by(self, platform: str) -> None:
        """Seek the leadership of a platform before connecting to it."""
        self._followed.setdefault(platform, set())

    async def wait_to_lead(self, platform: str) -> None:
        """Return once this process writes a platform's events."""
        while platform not in self.led:  # noqa: ASYNC110 (whether it does is looked at every few seconds)
            await asyncio.sleep(_LOOK_SECONDS)

    def begins(self, platform: str, tenant_id: str) -> None:
        """Record that events of a tenant are received from now on."""
        self._followed.setdefault(platform, set()).add(tenant_id)
        self._silent[platform].discard(tenant_id)
        self._pending_gaps[platform].ended(tenant_id, self._clock())

    def ends(self, platform: str, tenant_id: str, reason: GapReason, *, since_watermark: bool = False) -> None:
        """Record that events of a tenant are received no more, from now on or since the watermark."""
        self._followed.setdefault(platform, set()).discard(tenant_id)
        self._silent[platform].add(tenant_id)
        self._pending_gaps[platform].began(tenant_id, reason, None if since_watermark else self._clock())

    def is_decided(self, platform: str) -> bool:
        """Return whether it is known which process leads a platform."""
        return platform in self._decided

    @property
    def has_news(self) -> bool:
        """Whether a leadership is undecided or a gap unwritten."""
        return any(platform not in self._decided or self._pending_gaps[platform] for platform in self._followed)

    async def write(self) -> None:
        """Decide undecided leaderships, and record pending gaps.

        Raises:
            StorageError: the database cannot be written; everything stays pending.
        """
        async with self._deciding:
            for platform in list(self._followed):
                if platform not in self._decided:
                    await self._decide(platform)
            await self._write()

    async def renew(self) -> None:
        """Renew each leadership, or take it over where its lease has expired; then record pending gaps."""
        async with self._deciding:
            for platform in list(self._followed):
                await self._decide(platform)
            await self._write()

    async def advance(self, received: Mapping[str, datetime | None]) -> None:
        """Move the watermarks to the times until which everything received is written: no gap can begin earlier."""
        failures = Failures()
        with failures.apart("gaps"):
            await self.renew()
        for platform in list(self.led):
            # A pending gap may begin at the watermark, so that must not move.
            if not self._pending_gaps[platform] and (received_until := received.get(platform)):
                await advance_watermark(self._db, platform, self._owner, received_until, self._clock())
        failures.raise_first()

    async def release(self) -> None:
        """Release the leaderships, so that another process can lead at once."""
        for platform in self.led:
            with suppress(StorageError):
                await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=timedelta())

    async def _decide(self, platform: str) -> None:
        """Acquire or renew a leadership unless another process holds it; a takeover leaves a gap."""
        leadership = await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=_LEASE)
        self._watermarks[platform] = leadership.watermark_at
        if not leadership.is_mine:
            self.led.discard(platform)
            self._pending_gaps[platform].forget()
        elif platform not in self.led:
            if platform in self._decided:
                await self._take_over(platform)
            self.led.add(platform)
        self._decided.add(platform)

    async def _take_over(self, platform: str) -> None:
        """Add the gaps of a takeover, also for tenants that only the process before may have received events of."""
        elsewhere = set(await list_connected(self._db, platform)) - self._silent[platform]
        followed = sorted(self._followed[platform] | elsewhere)
        self._pending_gaps[platform].missed(followed, GapReason.TAKEOVER, self._clock())
        for tenant_id in self._silent[platform]:
            self._pending_gaps[platform].began(tenant_id, GapReason.OUTAGE, None)

    async def _write(self) -> None:
        failures = Failures()
        for platform in self.led & self._followed.keys():
            with failures.apart(platform):
                await self._pending_gaps[platform].write(self._db, self._watermarks[platform], self._clock())
        failures.raise_first()
