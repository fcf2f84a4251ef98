"""Divide the platforms among the processes that share an archive: who connects which parts, and how fast it may ask.

A process connects the parts that it leads. It seeks as many as are its share (the parts by the processes), and
leaves those beyond it; those of one that died are taken over once its leases are over.
"""

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter
from bot.concurrency import only_wanted_cancellation
from bot.failures import FailureLog
from bot.live import Following
from storage import live, processes, tenants
from storage.database import Database
from storage.errors import StorageError
from storage.processes import Process
from storage.tenants import tenant_id_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
_BEAT_SECONDS, _LOOK_SECONDS = 4.0, 0.5
_FORBEARANCE_SECONDS = 8.0  # after the database was away, for every process to renew its leases first
_LEAVE_SECONDS = 2.0


class Sharing:
    """This process among the others."""

    def __init__(
        self,
        db: Database,
        me: Process,
        adapters: Mapping[str, PlatformAdapter],
        following: Following,
        clock: Callable[[], datetime],
        put_back: Callable[[Callable[[str], bool]], None],
        *,
        beat_seconds: float = _BEAT_SECONDS,
    ) -> None:
        """``put_back`` puts the running jobs of some tenants back into the queue."""
        self._is_alone = db.dialect == "sqlite"  # whatever another process left behind is void
        self._beat_seconds, self._lease = (60.0, 10 * LEASE) if self._is_alone else (beat_seconds, LEASE)
        self._db = db
        self._me = me
        self._adapters = adapters
        self._following = following
        self._clock = clock
        self._put_back = put_back
        self._living: Sequence[Process] = ()
        self._beat_at = self._looked_at = self._seek_at = -math.inf
        self._holds_since: dict[str, float] = {}  # by platform, on the monotonic clock
        self._failures = FailureLog(log, "what this process is to do cannot be shared with others")

    def serves_at(self, address: str) -> None:
        """Note where the API of this process answers."""
        self._me = replace(self._me, address=address)

    async def run(self) -> None:
        """Share until cancelled, then leave."""
        try:
            while True:
                with only_wanted_cancellation():
                    await self._succeeds()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            with suppress(StorageError, TimeoutError):
                async with asyncio.timeout(_LEAVE_SECONDS):
                    await processes.leave(self._db, self._me.id)

    async def _succeeds(self) -> None:
        try:
            if not self._is_alone and time.monotonic() - self._looked_at > self._beat_seconds:
                await self._look_for_other_divisions()
                self._looked_at = time.monotonic()
            await self._beat_if_due()
            for platform, adapter in self._adapters.items():
                await self._share(platform, adapter)
            self._failures.ended()
        except Exception as e:  # noqa: BLE001 (the next look tries again)
            self._failures.note(e)
            self._seek_at = time.monotonic() + _FORBEARANCE_SECONDS

    async def _beat_if_due(self) -> None:
        """Say that this process lives and what it connects, and see which others do."""
        takes_part = [name for name in self._adapters if self._takes_part(name)]
        held = {name: sorted(self._adapters[name].held) for name in takes_part}
        if held == self._me.held and time.monotonic() - self._beat_at < self._beat_seconds:
            return
        self._me = replace(self._me, held=held)
        self._living = [known.process for known in await processes.beat(self._db, self._me, lease=self._lease)]
        self._beat_at = time.monotonic()
        if len(self._living) > 1:
            await self._following.renew()  # also while what was received takes long to write
            for platform in self._adapters:
                await self._heed_wait(platform)

    def _takes_part(self, platform: str) -> bool:
        """Return whether this process can have parts of a platform, so that the others have to leave it some."""
        return self._adapters[platform].division is not None and platform not in self._following.blocked

    async def _look_for_other_divisions(self) -> None:
        """Note where another process leads by another number of parts, which overlap with this process's."""
        blocked = self._following.blocked
        for platform, adapter in self._adapters.items():
            if adapter.division is None:
                continue
            parts = adapter.division.parts
            other = await live.other_division(self._db, platform, parts, self._me.id)
            if other is None:
                blocked.pop(platform, None)
            elif platform not in blocked:
                blocked[platform] = (
                    f"another process divides it otherwise ({other}, here {parts[0]}): nothing is archived here until "
                    "all have the same number, such as discord.shard_count, and were started again"
                )
                log.error(
                    "another process divides the platform otherwise", extra={"platform": platform, "other": other}
                )

    async def _heed_wait(self, platform: str) -> None:
        """End what runs here where a platform told another process that no request may be sent."""
        wait = await tenants.platform_wait(self._db, platform)
        if wait is not None and wait > self._clock():
            self._put_back(lambda tenant_id: tenant_id.startswith(tenant_id_of(platform, "")))

    async def _share(self, platform: str, adapter: PlatformAdapter) -> None:
        division = adapter.division
        if division is None:
            return
        others = [one for one in self._living if one.id != self._me.id and platform in one.held]
        if adapter.shares_parts:
            held = {one.id: len(one.held[platform]) for one in others}
            await self._hold(platform, adapter, division.parts, held)
        holders = Counter(part for one in others for part in _overlapping(one.held[platform], division.parts))
        if not adapter.held:
            self._holds_since[platform] = time.monotonic()
        since = self._holds_since.setdefault(platform, time.monotonic())
        is_known = time.monotonic() - since > 2 * self._beat_seconds  # to the others: they ask less by now
        shares = [1 / (1 + holders[part]) for part in adapter.held if is_known or not holders[part]]
        share = sum(shares) / len(division.parts)
        adapter.take_share(share or 0.5 / len(division.parts))  # there is no share of nothing

    async def _hold(
        self, platform: str, adapter: PlatformAdapter, parts: Sequence[str], others: Mapping[str, int]
    ) -> None:
        """Connect the parts that this process leads, up to its share, and leave the others.

        ``others`` are the other processes, with how many parts each holds.
        """
        left = {part for name, part in self._following.left if name == platform}
        mine = {part for name, part in self._following.led if name == platform} & set(parts) - left
        share = _share_of(self._me.id, {**others, self._me.id: len(mine)}, len(parts))
        if len(mine) > share:
            ready = adapter.ready_parts
            mine = set(sorted(mine, key=lambda part: part not in ready)[:share])
        elif len(mine) < share and time.monotonic() >= self._seek_at:
            free = sorted(await live.free_parts(self._db, platform, parts) - left)
            if chosen := random.sample(free, min(share - len(mine), len(free))):  # others choose at the same time
                mine |= await self._following.seek(platform, chosen)
        if mine != adapter.held:
            facts = {"platform": platform, "parts": sorted(mine), "of": len(parts), "share": share}
            log.info("this process has these parts", extra=facts)
        adapter.hold(frozenset(mine))
        # The adapter tells of those that it was connected to; others were never, or are none any more.
        led = {part for name, part in self._following.led if name == platform}
        self._following.leave(platform, led - mine - adapter.held)


def _share_of(process: str, held: Mapping[str, int], parts: int) -> int:
    """Return how many parts a process is to have, of those that processes hold.

    What is left over is for those that have the most already, so that none changes hands without need.
    """
    order = sorted(held, key=lambda one: (-held[one], one))
    return len(range(order.index(process), parts, len(order)))


def _overlapping(held: Sequence[str], parts: Sequence[str]) -> Sequence[str]:
    """Return the parts which another process holds, too: all of them where it divides the platform otherwise."""
    return held if set(held) <= set(parts) else parts
