"""Gaps of tenants, kept in memory until they are recorded, however long that takes.

Where the process ends before, nothing is lost: the watermark has not moved meanwhile, and the next process records a
gap from there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.failures import Failures
from storage import repair
from storage.database import Database
from storage.repair import GapReason


@dataclass(frozen=True, slots=True, kw_only=True)
class _PendingGap:
    reason: GapReason | None  # None: only the end of a gap that is recorded already
    began_at: datetime | None  # None: at the watermark
    ended_at: datetime | None  # None: it is open


class PendingGaps:
    """The pending gaps of one platform's tenants, one each."""

    def __init__(self) -> None:
        self._pending: dict[str, _PendingGap] = {}

    def __bool__(self) -> bool:
        return bool(self._pending)

    def missed(self, tenant_ids: Iterable[str], reason: GapReason, now: datetime) -> None:
        """Add a gap from the watermark until now."""
        for tenant_id in tenant_ids:
            known = self._pending.get(tenant_id)
            self._pending[tenant_id] = _PendingGap(
                reason=(known.reason if known else None) or reason, began_at=None, ended_at=now
            )

    def began(self, tenant_id: str, reason: GapReason, at: datetime | None) -> None:
        """Open a gap at a time; None: at the watermark."""
        known = self._pending.get(tenant_id)
        if known is None or known.reason is None:
            self._pending[tenant_id] = _PendingGap(reason=reason, began_at=at, ended_at=None)
        else:
            self._pending[tenant_id] = replace(known, ended_at=None)

    def ended(self, tenant_id: str, at: datetime) -> None:
        """End the open gap of a tenant."""
        known = self._pending.get(tenant_id)
        if known is None:
            self._pending[tenant_id] = _PendingGap(reason=None, began_at=None, ended_at=at)
        elif known.ended_at is None:
            self._pending[tenant_id] = replace(known, ended_at=at)

    def forget(self, concerns: Callable[[str], bool]) -> None:
        """Discard those of some tenants: the process that leads records them."""
        for tenant_id in [tenant_id for tenant_id in self._pending if concerns(tenant_id)]:
            del self._pending[tenant_id]

    def of(self, concerns: Callable[[str], bool]) -> bool:
        """Return whether a gap of some tenants is pending."""
        return any(concerns(tenant_id) for tenant_id in self._pending)

    async def write(
        self, db: Database, is_led: Callable[[str], bool], watermark_of: Callable[[str], datetime | None], now: datetime
    ) -> None:
        """Record the pending gaps of the tenants that are led; one that cannot be recorded stays pending.

        Raises:
            StorageError: the database cannot be written, or refuses one tenant's gap.
        """
        failures = Failures()
        for tenant_id, gap in [(tenant_id, gap) for tenant_id, gap in self._pending.items() if is_led(tenant_id)]:
            with failures.apart(tenant_id):
                await _record(db, tenant_id, gap, watermark_of(tenant_id), now)
                if self._pending.get(tenant_id) is gap:  # otherwise it was changed meanwhile
                    del self._pending[tenant_id]
        failures.raise_first()


async def _record(db: Database, tenant_id: str, gap: _PendingGap, watermark_at: datetime | None, now: datetime) -> None:
    if gap.reason is None:
        await repair.close_gap(db, tenant_id, gap.ended_at or now, now)
        return
    began_at = gap.began_at or watermark_at
    await repair.record_gap(db, tenant_id, gap.reason, began_at=began_at, ended_at=gap.ended_at, now=now)
