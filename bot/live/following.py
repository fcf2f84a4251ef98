"""Whose events come in, which process writes them, and what was missed before.

Of a platform one process leads: it writes the events and the gaps; only that a channel was hidden every process writes
that hears it. What it does not know yet to be written keeps the watermark where it is, so that whoever comes after
finds it out.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from bot.failures import Failures
from bot.live.silences import Silences
from storage.database import Database
from storage.errors import StorageError
from storage.live import acquire_leadership, advance_watermark
from storage.repair import GapReason
from storage.tenants import list_connected

_LEASE = timedelta(seconds=15)


class Following:
    """The tenants of all platforms, as far as this process hears of them."""

    def __init__(self, db: Database, owner: str, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._owner = owner
        self._clock = clock
        self._followed: dict[str, set[str]] = {}  # platform: its tenants whose events come in
        self._silent: defaultdict[str, set[str]] = defaultdict(set)  # those of whom nothing comes in
        self._silences: defaultdict[str, Silences] = defaultdict(Silences)
        self._watermarks: dict[str, datetime | None] = {}
        self._decided: set[str] = set()
        self._deciding = asyncio.Lock()
        self.led: set[str] = set()
        """The platforms whose events this process writes."""

    def connected(self, platform: str, tenant_ids: Iterable[str]) -> None:
        """Note that events of these tenants come in over a new connection: those before it are missing."""
        now, followed = self._clock(), self._followed.setdefault(platform, set())
        for tenant_id in tenant_ids:
            reason = GapReason.SESSION_LOST if tenant_id in followed else GapReason.PROCESS_DOWN
            self._silences[platform].missed([tenant_id], reason, now)
            self._silent[platform].discard(tenant_id)
            followed.add(tenant_id)

    def begins(self, platform: str, tenant_id: str) -> None:
        """Note that events of a tenant come in from now on."""
        self._followed.setdefault(platform, set()).add(tenant_id)
        self._silent[platform].discard(tenant_id)
        self._silences[platform].ended(tenant_id, self._clock())

    def ends(self, platform: str, tenant_id: str, reason: GapReason, *, since_watermark: bool = False) -> None:
        """Note that events of a tenant come in no more, from now on, or since it is not known when."""
        self._followed.setdefault(platform, set()).discard(tenant_id)
        self._silent[platform].add(tenant_id)
        self._silences[platform].began(tenant_id, reason, None if since_watermark else self._clock())

    def is_decided(self, platform: str) -> bool:
        """Return whether it is known which process leads."""
        return platform in self._decided

    @property
    def has_news(self) -> bool:
        """Whether something is to be decided or written."""
        return any(platform not in self._decided or self._silences[platform] for platform in self._followed)

    async def write(self) -> None:
        """Write what is known of times in which nothing was received.

        Raises:
            StorageError: the database cannot be written; nothing of it is lost.
        """
        async with self._deciding:
            for platform in list(self._followed):
                if platform not in self._decided:
                    await self._decide(platform)
            await self._write()

    async def renew(self) -> None:
        """Renew the leadership, or take it over from a process that is gone; write what was missed before that."""
        async with self._deciding:
            for platform in list(self._followed):
                await self._decide(platform)
            await self._write()

    async def advance(self, received: Mapping[str, datetime | None]) -> None:
        """Note that all that was received until then is written: a gap can begin no sooner."""
        failures = Failures()
        with failures.apart("gaps"):
            await self.renew()
        for platform in list(self.led):
            # A gap that is not written yet begins at the watermark.
            if not self._silences[platform] and (received_until := received.get(platform)):
                await advance_watermark(self._db, platform, self._owner, received_until, self._clock())
        failures.raise_first()

    async def release(self) -> None:
        """Let another process lead at once."""
        for platform in self.led:
            with suppress(StorageError):
                await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=timedelta())

    async def _decide(self, platform: str) -> None:
        """Take or renew the leadership of a platform, unless another process has it; one taken over has a gap."""
        leadership = await acquire_leadership(self._db, platform, self._owner, now=self._clock(), lease=_LEASE)
        self._watermarks[platform] = leadership.watermark_at
        if not leadership.is_mine:
            self.led.discard(platform)
            self._silences[platform].forget()
        elif platform not in self.led:
            if platform in self._decided:
                await self._take_over(platform)
            self.led.add(platform)
        self._decided.add(platform)

    async def _take_over(self, platform: str) -> None:
        """Note what the process before has not written; it may have heard of tenants before this one does."""
        elsewhere = set(await list_connected(self._db, platform)) - self._silent[platform]
        heard = sorted(self._followed[platform] | elsewhere)
        self._silences[platform].missed(heard, GapReason.TAKEOVER, self._clock())
        for tenant_id in self._silent[platform]:
            self._silences[platform].began(tenant_id, GapReason.OUTAGE, None)

    async def _write(self) -> None:
        failures = Failures()
        for platform in self.led & self._followed.keys():
            with failures.apart(platform):
                await self._silences[platform].write(self._db, self._watermarks[platform], self._clock())
        failures.raise_first()
