"""The clock: every tenant has its minute of the interval, and all that a tick does is enqueue."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.queue import JobQueue
from storage.errors import TenantStopped
from storage.jobs import JobKind

log = logging.getLogger(__name__)

_WATCH_SECONDS = 60.0
_LEEWAY = timedelta(seconds=5)


class Scheduler:
    """Enqueues the scheduled syncs of the tenants it follows, by APScheduler, which nothing else knows."""

    def __init__(
        self,
        queue: JobQueue,
        interval: timedelta,
        clock: Callable[[], datetime],
        own_intervals: Mapping[str, timedelta] = {},
    ) -> None:
        self._queue = queue
        self._interval = interval
        self._own_intervals = own_intervals  # of the tenants that are synced more or less often than the others
        self._clock = clock
        self._apscheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._acting: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to tick for the tenants that are followed."""
        self._apscheduler.start()

    async def stop(self) -> None:
        """End all ticks, and wait for the tasks that they began, since the database closes next."""
        if self._apscheduler.running:
            self._apscheduler.shutdown(wait=False)
        for task in self._acting:
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)

    def follow(self, tenant_id: str) -> None:
        """Tick for a tenant, from now on and at its own minute of the interval."""
        if self._apscheduler.get_job(tenant_id) is None:
            trigger = _trigger(self._interval_of(tenant_id), self._first_tick(tenant_id))
            self._apscheduler.add_job(self._tick, trigger, args=[tenant_id], id=tenant_id)

    def forget(self, tenant_id: str) -> None:
        """End a tenant's ticks."""
        if self._apscheduler.get_job(tenant_id) is not None:
            self._apscheduler.remove_job(tenant_id)

    def forget_all(self, concerns: Callable[[str], bool]) -> None:
        """End the ticks of some tenants."""
        for job in self._apscheduler.get_jobs():
            if job.func == self._tick and concerns(job.id):
                job.remove()

    def every(
        self, interval: timedelta, name: str, act: Callable[[], Awaitable[None]], *, at_once: bool = False
    ) -> None:
        """Run a task at an interval, the first time after one interval or at the start."""
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._apscheduler.add_job(self._act, _trigger(interval), args=[name, act], id=name, **first)

    async def watch(self) -> None:
        """Realign the ticks whenever the machine's clock is set, until cancelled.

        APScheduler waits by a monotonic clock, then compares with the machine's. Where that was set back by an hour, a
        tick due in an hour would come after two.
        """
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            self.realign()

    def realign(self) -> None:
        """Reschedule every tick that lies further ahead than its interval, and run what is due."""
        now = self._clock()
        for job in self._apscheduler.get_jobs():
            at, interval = job.next_run_time, job.trigger.interval
            if at is not None and at > now + interval + _LEEWAY:
                start = self._first_tick(job.id) if job.func == self._tick else None
                self._apscheduler.reschedule_job(job.id, trigger=_trigger(interval, start))
                log.warning("the clock was set back: a tick was brought forward", extra={"task": job.id})
        self._apscheduler.wakeup()

    def next_sync_at(self, tenant_id: str) -> datetime | None:
        """Return when the next tick is due; None for a tenant that is not followed."""
        job = self._apscheduler.get_job(tenant_id)
        at: datetime | None = getattr(job, "next_run_time", None)
        return at

    def tick_elsewhere(self, tenant_id: str) -> datetime:
        """Return when the next tick of a tenant is due that another process ticks for."""
        return self._first_tick(tenant_id)

    async def overdue(self, platform: str) -> list[str]:
        """List the tenants of a platform that missed a tick."""
        now, found = self._clock(), list[str]()
        for interval in sorted({self._interval, *self._own_intervals.values()}):
            due = await self._queue.overdue_tenants(platform, before=now - interval)
            found += [tenant_id for tenant_id in due if self._interval_of(tenant_id) == interval]
        return found

    def _interval_of(self, tenant_id: str) -> timedelta:
        return self._own_intervals.get(tenant_id, self._interval)

    async def _tick(self, tenant_id: str) -> None:
        await self._act("sync", partial(self._enqueue, tenant_id), tenant=tenant_id)

    async def _enqueue(self, tenant_id: str) -> None:
        try:
            await self._queue.enqueue(tenant_id, JobKind.SCHEDULED)
        except TenantStopped:  # between being found due and now
            self.forget(tenant_id)

    async def _act(self, name: str, act: Callable[[], Awaitable[None]], **facts: str) -> None:
        """Run the action in a task of our own: APScheduler does not wait for its tasks at shutdown."""
        task = asyncio.create_task(self._guarded(name, act, facts), name=name)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})

    async def _guarded(self, name: str, act: Callable[[], Awaitable[None]], facts: Mapping[str, str]) -> None:
        try:
            await act()
        except Exception:  # the schedule must go on; the next tick makes up for it
            log.exception("a task of the clock failed", extra={"task": name, **facts})

    def _first_tick(self, tenant_id: str) -> datetime:
        """Place a tenant in the interval by its id, so that it has the same minute after a restart."""
        share = int.from_bytes(hashlib.sha256(tenant_id.encode()).digest()[:8]) / 2**64
        now, interval = self._clock(), self._interval_of(tenant_id)
        start = datetime.fromtimestamp(0, now.tzinfo) + share * interval
        return start + ((now - start) // interval + 1) * interval


def _trigger(interval: timedelta, first_tick: datetime | None = None) -> IntervalTrigger:
    """Create a trigger with an exact interval, fractions of a second included."""
    return IntervalTrigger(seconds=interval.total_seconds(), start_date=first_tick, timezone="UTC")
