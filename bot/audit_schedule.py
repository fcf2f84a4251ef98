"""When audits are begun: one tenant after the other, each so often, and only at certain hours of the day."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from bot.queue import JobQueue
from storage import repair
from storage.database import Database
from storage.errors import TenantStopped
from storage.jobs import JobKind

AUDIT_TICK = timedelta(minutes=5)
"""How often the schedule is looked at."""


class AuditSchedule:
    """Enqueues audits.

    ``interval`` is the time between two audits of a tenant, zero for none; ``hours`` are the first hour (UTC) at which
    audits are begun and the first at which they no longer are.
    """

    def __init__(
        self,
        db: Database,
        queue: JobQueue,
        *,
        interval: timedelta,
        hours: tuple[int, int],
        platforms: Callable[[], Iterable[str]],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._queue = queue
        self._interval = interval
        self._hours = hours
        self._platforms = platforms
        self._clock = clock

    async def enqueue_due(self) -> None:
        """Enqueue each platform's audit that is due longest: one at a time, so that they spread over the tenants."""
        now = self._clock()
        if not self._interval or not is_within(self._hours, now):
            return
        for platform in self._platforms():
            for tenant_id in (await repair.audits_due(self._db, platform, before=now - self._interval))[:1]:
                with suppress(TenantStopped):
                    await self._queue.enqueue(tenant_id, JobKind.AUDIT)


def is_within(hours: tuple[int, int], now: datetime) -> bool:
    """Return whether a time lies between two hours of the day, over midnight where the first is the later one."""
    first, last = hours
    return first <= now.hour < last if first <= last else now.hour >= first or now.hour < last
