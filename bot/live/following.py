"""Track whose events are received, decide which process writes them, and record gaps.

One process leads each part of a platform's connection: it writes the events that come by it, and the gaps. Only the
hiding of a channel is written by every process. The watermark stays where it is while anything may be unwritten, so
that a later leader can record the gap.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from adapters.parts import UNDIVIDED, Division
from bot.failures import Failures
from bot.live.leading import Leading
from bot.live.pending_gaps import PendingGaps
from storage.database import Database
from storage.errors import StorageError
from storage.live import Part, advance_watermark, release_leadership
from storage.repair import GapReason
from storage.tenants import list_connected, tenant_id_of

log = logging.getLogger(__name__)

_WHOLE = UNDIVIDED.parts[0]


class Following(Leading):
    """The tenants of all platforms whose events this process receives."""

    def __init__(
        self,
        db: Database,
        owner: str,
        clock: Callable[[], datetime],
        division_of: Callable[[str], Division] = lambda _: UNDIVIDED,
    ) -> None:
        """``division_of`` returns into which parts a platform is divided at present."""
        super().__init__(db, owner, clock, division_of)
        self._followed: defaultdict[str, set[str]] = defaultdict(set)  # the tenants whose events are received
        self._silent: defaultdict[str, set[str]] = defaultdict(set)  # by platform: the tenants whose events are not
        self._pending_gaps: defaultdict[str, PendingGaps] = defaultdict(PendingGaps)
        self._deciding = asyncio.Lock()
        self.discard: Callable[[str, Callable[[str], bool]], None] = lambda _, __: None
        """Called with a platform, and which of its tenants another process wrote the events of meanwhile."""

    def connected(self, platform: str, tenant_ids: Iterable[str], part: str = _WHOLE) -> None:
        """Record a new connection for a part and its tenants: the events before it are missing."""
        now, followed = self._clock(), self._followed[platform]
        self._sought[platform].add(part)
        self.left.discard((platform, part))
        for tenant_id in tenant_ids:
            reason = GapReason.SESSION_LOST if tenant_id in followed else GapReason.PROCESS_DOWN
            self._pending_gaps[platform].missed([tenant_id], reason, now)
            self._silent[platform].discard(tenant_id)
            followed.add(tenant_id)

    def disconnected(self, platform: str, part: str, covers: Callable[[str], bool]) -> None:
        """Record that events no longer come by a part: once all are written, another process may lead it.

        ``covers`` returns whether a community came by it, by its platform id.
        """
        self.leave(platform, [part])
        prefix = tenant_id_of(platform, "")
        for known in (self._followed[platform], self._silent[platform]):
            known -= {tenant_id for tenant_id in known if covers(tenant_id.removeprefix(prefix))}

    async def seek(self, platform: str, parts: Collection[str]) -> set[str]:
        """Try to lead parts, before connecting to them; return those that this process leads.

        Raises:
            StorageError: the database cannot be written.
        """
        self._sought[platform] |= set(parts)
        try:
            await self.renew()
        finally:
            lost = {part for part in parts if (platform, part) not in self.led}
            self._give_up(platform, lost)
        return set(parts) - lost

    def begins(self, platform: str, tenant_id: str) -> None:
        """Record that events of a tenant are received from now on."""
        self._sought[platform].add(self.part_of(platform, tenant_id)[1])
        self._followed[platform].add(tenant_id)
        self._silent[platform].discard(tenant_id)
        self._pending_gaps[platform].ended(tenant_id, self._clock())

    def ends(self, platform: str, tenant_id: str, reason: GapReason, *, since_watermark: bool = False) -> None:
        """Record that events of a tenant are received no more, from now on or since the watermark."""
        self._sought[platform].add(self.part_of(platform, tenant_id)[1])
        self._followed[platform].discard(tenant_id)
        self._silent[platform].add(tenant_id)
        self._pending_gaps[platform].began(tenant_id, reason, None if since_watermark else self._clock())

    @property
    def has_news(self) -> bool:
        """Whether a leadership is undecided, a gap unwritten, or a part to be released."""
        return bool(self.left) or any(
            not self.is_decided(platform) or self._pending_gaps[platform] for platform in self._platforms()
        )

    async def write(self) -> None:
        """Decide undecided leaderships, and record pending gaps.

        Raises:
            StorageError: the database cannot be written; everything stays pending.
        """
        async with self._deciding:
            for platform in self._platforms():
                if not self.is_decided(platform):
                    await self._decide(platform)
            await self._write()

    async def renew(self) -> None:
        """Renew each leadership, or take it over where its lease has expired; then record pending gaps."""
        async with self._deciding:
            for platform in self._platforms():
                await self._decide(platform)
            await self._write()

    async def advance(self, received: Mapping[Part, datetime | None]) -> None:
        """Move the watermarks to the times until which everything received is written: no gap can begin earlier."""
        failures = Failures()
        with failures.apart("gaps"):
            await self.renew()
        for platform in {platform for platform, _ in self.led}:
            pending, watermarks = self._pending_gaps[platform], dict[str, datetime]()
            for part in {part for name, part in self.led if name == platform}:
                # A pending gap may begin at the watermark, so that must not move.
                if (until := received.get((platform, part))) and not pending.of(self._comes_by(platform, part)):
                    watermarks[part] = until
            if watermarks:
                async with self._deciding:  # or two transactions would lock the same rows in another order
                    await advance_watermark(self._db, platform, self.owner, watermarks, self._clock())
        failures.raise_first()

    async def release_left(self, left: Collection[Part]) -> None:
        """Release parts by which no more events come. All that were received must be written.

        Raises:
            StorageError: the database cannot be written; a later call does it.
        """
        async with self._deciding:
            for platform in {platform for platform, _ in left}:
                parts = {part for name, part in left if name == platform and (name, part) in self.left}
                await release_leadership(self._db, platform, parts, self.owner, self._clock())
                self._give_up(platform, parts)

    async def release(self) -> None:
        """Release the leaderships, so that another process can lead at once."""
        for platform in {platform for platform, _ in self.led}:
            parts = {part for name, part in self.led if name == platform}
            with suppress(StorageError):
                await release_leadership(self._db, platform, parts, self.owner, self._clock())

    def _comes_by(self, platform: str, part: str) -> Callable[[str], bool]:
        return lambda tenant_id: self.part_of(platform, tenant_id)[1] == part

    def _give_up(self, platform: str, parts: Collection[str]) -> None:
        """Seek parts no more. The next process that leads them records their gaps, from the watermark on."""
        self._forget(platform, parts)
        self._pending_gaps[platform].forget(lambda tenant_id: self.part_of(platform, tenant_id)[1] in parts)

    async def _decide(self, platform: str) -> None:
        """Acquire or renew the leaderships of a platform that no other process holds; a takeover leaves a gap."""
        mine, taken_over, elsewhere = await self._acquire(platform)
        if elsewhere:
            self._pending_gaps[platform].forget(lambda tenant_id: self.part_of(platform, tenant_id) in elsewhere)
        if taken_over:
            await self._take_over(platform, taken_over)
        self.led |= mine
        self._decided |= mine | elsewhere

    async def _take_over(self, platform: str, parts: set[Part]) -> None:
        """Add the gaps of a takeover, also for tenants that only the process before may have received events of."""
        connected, prefix = set(await list_connected(self._db, platform)), tenant_id_of(platform, "")

        def concerns(tenant_id: str) -> bool:
            return tenant_id.startswith(prefix) and self.part_of(platform, tenant_id) in parts

        log.warning(
            "taken over from another process", extra={"platform": platform, "parts": sorted(p for _, p in parts)}
        )
        self.discard(platform, concerns)  # what is received from now on is behind the gap
        known = self._followed[platform] | connected - self._silent[platform]
        self._pending_gaps[platform].missed(sorted(filter(concerns, known)), GapReason.TAKEOVER, self._clock())
        for tenant_id in filter(concerns, self._silent[platform]):
            self._pending_gaps[platform].began(tenant_id, GapReason.OUTAGE, None)

    async def _write(self) -> None:
        failures = Failures()
        for platform in self._platforms():
            with failures.apart(platform):
                await self._pending_gaps[platform].write(
                    self._db,
                    lambda tenant_id, platform=platform: self.leads(platform, tenant_id),  # type: ignore[misc]
                    lambda tenant_id, platform=platform: self._watermarks.get(self.part_of(platform, tenant_id)),  # type: ignore[misc]
                    self._clock(),
                )
        failures.raise_first()
