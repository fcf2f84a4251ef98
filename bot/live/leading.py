"""Which parts of platforms' connections this process leads: of one part's events one process writes all.

A leadership is a lease. Its epoch tells whether another process has had it in between.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from adapters.parts import UNDIVIDED, Division
from storage.database import Database
from storage.live import Part, acquire_leadership, hold_leadership
from storage.tenants import tenant_id_of

_LEASE = timedelta(seconds=15)


class Leading:
    """The parts that this process leads, or seeks to lead."""

    def __init__(
        self,
        db: Database,
        owner: str,
        clock: Callable[[], datetime],
        division_of: Callable[[str], Division] = lambda _: UNDIVIDED,
    ) -> None:
        """``division_of`` returns into which parts a platform is divided at present."""
        self._db = db
        self.owner = owner
        self._clock = clock
        self._division_of = division_of
        self._sought: defaultdict[str, set[str]] = defaultdict(set)  # by platform: parts to lead, if nobody else does
        self._watermarks: dict[Part, datetime | None] = {}
        self._epochs: dict[Part, int] = {}
        self._decided: set[Part] = set()
        self.led: set[Part] = set()
        """The parts whose events this process writes."""
        self.blocked: dict[str, str] = {}
        """By platform, in words, why this process can lead nothing of it."""
        self.left: set[Part] = set()
        """Parts by which no more events come; they are led until all of them are written."""

    def part_of(self, platform: str, tenant_id: str) -> Part:
        """Return the part of a platform's connection by which a tenant's events come."""
        return platform, self._division_of(platform).part_of(tenant_id.removeprefix(tenant_id_of(platform, "")))

    def leads(self, platform: str, tenant_id: str) -> bool:
        """Return whether this process writes a tenant's events."""
        return self.part_of(platform, tenant_id) in self.led

    def leads_all(self, platform: str) -> bool:
        """Return whether this process writes the events of each part of a platform by which it receives any."""
        return all((platform, part) in self.led for part in self._sought[platform])

    def stands_by(self, platform: str, tenant_id: str) -> bool:
        """Return whether it is known that another process writes a tenant's events."""
        part = self.part_of(platform, tenant_id)
        return part in self._decided and part not in self.led

    def is_decided(self, platform: str) -> bool:
        """Return whether it is known which process leads each part of a platform that is sought."""
        sought = self._sought[platform]
        return bool(sought) and all((platform, part) in self._decided for part in sought)

    def leases(self, platform: str, tenant_ids: Iterable[str]) -> dict[Part, int]:
        """Return the parts by which the events of some tenants come, with the epochs of their leadership."""
        parts = {self.part_of(platform, tenant_id) for tenant_id in tenant_ids}
        return {part: self._epochs.get(part, 0) for part in parts}

    def guard(self, platform: str, tenant_id: str) -> Callable[[Any], Awaitable[None]]:
        """Return what a transaction calls first that writes events of a tenant.

        It raises LeadershipLost where another process writes them.
        """
        return partial(hold_leadership, leases=self.leases(platform, [tenant_id]), owner=self.owner)

    def leave(self, platform: str, parts: Iterable[str]) -> None:
        """Give up parts once everything is written that came by them."""
        self.left |= {(platform, part) for part in parts}

    def _platforms(self) -> list[str]:
        return [platform for platform, sought in self._sought.items() if sought]

    async def _acquire(self, platform: str) -> tuple[set[Part], set[Part], set[Part]]:
        """Acquire or renew the leaderships of a platform that no other process holds.

        Returns:
            The parts that are this process's, among them those that another one had before, and those of others.
        """
        division, sought = self._division_of(platform), sorted(self._sought[platform])
        leaderships = await acquire_leadership(
            self._db, platform, sought, self.owner, now=self._clock(), lease=_LEASE, division=division.parts
        )
        mine, taken_over, elsewhere = set[Part](), set[Part](), set[Part]()
        for name, leadership in leaderships.items():
            part = platform, name
            is_other_lease = self._epochs.get(part) != leadership.epoch
            self._watermarks[part], self._epochs[part] = leadership.watermark_at, leadership.epoch
            (mine if leadership.is_mine else elsewhere).add(part)
            if leadership.is_mine and part in self._decided and (part not in self.led or is_other_lease):
                taken_over.add(part)
        self.led -= elsewhere | taken_over  # of the latter until the gap is noted
        return mine, taken_over, elsewhere

    def _forget(self, platform: str, parts: Collection[str]) -> None:
        gone = {(platform, part) for part in parts}
        self._sought[platform] -= set(parts)
        self._decided -= gone
        self.left -= gone
        self.led -= gone
        for part in gone:
            self._epochs.pop(part, None)
