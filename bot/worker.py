"""Takes jobs from the queue and runs them, several tenants at a time, each under a lease that a heartbeat renews."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from adapters.base import PlatformAdapter, PlatformSession
from adapters.errors import CredentialRefused, PlatformError, RateLimited
from adapters.records import JsonValue
from bot.concurrency import first_error
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sync import JobContext, Progress, SyncLimits, TenantSync
from storage import jobs, tenants
from storage.database import Database
from storage.errors import LeaseLost, StorageError, TenantStopped
from storage.jobs import Job, JobKind, JobLease, JobStatus

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=15)  # how long a job of a killed process waits on Postgres
_HEARTBEAT_SECONDS = 2.0  # also how often progress is written
_POLL_SECONDS = 1.0  # other processes may enqueue, and jobs come due
_STORAGE_PAUSE_SECONDS = 5.0
_RETRY_SECONDS = (1, 2, 4)  # ruling 9


class JobCancelled(Exception):
    """Somebody called the running job off."""


class Preempted(Exception):
    """The job has run for long, and others wait."""


class Worker:
    """Runs jobs until told to stop."""

    def __init__(
        self,
        db: Database,
        adapters: Mapping[str, PlatformAdapter],
        live: LiveWriter,
        limits: SyncLimits,
        owner: str,
        clock: Callable[[], datetime],
        next_sync_at: Callable[[str], datetime | None],
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._adapters = adapters
        self._live = live
        self._limits = limits
        self._owner = owner
        self._clock = clock
        self._next_sync_at = next_sync_at
        self._metrics = metrics
        self._slots = asyncio.Semaphore(limits.concurrent_tenants)
        self._wake = asyncio.Event()
        self.running: dict[str, Progress] = {}

    def wake(self) -> None:
        """Look at the queue now: something was just put there."""
        self._wake.set()

    async def run(self) -> None:
        """Claim and run jobs until cancelled; the running ones then reach a safe point and go back to the queue.

        Raises:
            CredentialRefused: the platform will not have this bot any more.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                claimed = await self._next_job()
                task = group.create_task(self._run_job(*claimed), name=f"job {claimed[0].id}")
                task.add_done_callback(lambda _: self._slots.release())

    async def _next_job(self) -> tuple[Job, JobLease]:
        while True:
            self._wake.clear()
            pause = _POLL_SECONDS
            try:
                claimed = await self._claim()
            except StorageError as e:
                log.error("cannot read the queue", extra={"code": e.code, "error": str(e)})
                pause, claimed = _STORAGE_PAUSE_SECONDS, None
            if claimed:
                return claimed
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _claim(self) -> tuple[Job, JobLease] | None:
        if any(adapter.unready_reason for adapter in self._adapters.values()):
            return None  # a job claimed now could only fail
        return await jobs.claim(self._db, self._owner, now=self._clock(), lease=_LEASE)

    async def _run_job(self, job: Job, lease: JobLease) -> None:
        progress = self.running[job.id] = Progress()
        started = time.monotonic()
        log.info("sync started", extra={"job": job.id, "tenant": job.tenant_id, "kind": str(job.kind)})
        try:
            await self._work(job, lease, progress, started)
        except asyncio.CancelledError:
            with suppress(StorageError):  # or the lease runs out
                await jobs.release(self._db, lease, totals=progress.totals, now=self._clock())
            raise
        except LeaseLost:
            log.warning("sync was taken over or ended elsewhere", extra={"job": job.id, "tenant": job.tenant_id})
        except StorageError as e:
            # The lease runs out, and then whoever can reach the database takes the job up where it was.
            log.error("sync broken off", extra={"job": job.id, "code": e.code, "error": str(e)})
        finally:
            self.running.pop(job.id, None)

    async def _work(self, job: Job, lease: JobLease, progress: Progress, started: float) -> None:
        try:
            status, error = await self._attempt(job, lease, progress)
        except Preempted:
            await jobs.yield_job(self._db, lease, totals=progress.totals, now=self._clock())
            log.info("sync makes room for others", extra={"job": job.id, "tenant": job.tenant_id, **progress.totals})
            self.wake()
        else:
            await self._end(job, lease, status, error, progress, time.monotonic() - started)

    async def _attempt(
        self, job: Job, lease: JobLease, progress: Progress
    ) -> tuple[JobStatus, Mapping[str, JsonValue] | None]:
        try:
            await self._sync(job, lease, progress)
        except RateLimited as e:
            await self.back_off(job, e)
            return JobStatus.RATE_LIMITED, _told(e, retry_after_seconds=e.retry_after_seconds, scope=e.scope)
        except CredentialRefused as e:
            await self._end(job, lease, JobStatus.FAILED, _told(e), progress, 0.0)
            raise
        except JobCancelled:
            return JobStatus.CANCELLED, None
        except LeaseLost:
            raise
        except (PlatformError, StorageError) as e:
            return JobStatus.FAILED, _told(e)
        return (JobStatus.PARTIAL if progress.error else JobStatus.SUCCEEDED), progress.error

    async def _sync(self, job: Job, lease: JobLease, progress: Progress) -> None:
        tenant = await tenants.get_tenant(self._db, job.tenant_id)
        if tenant is None:
            raise LeaseLost
        adapter = self._adapters[tenant.platform]
        due = self._next_due(tenant.id)

        async def body(session: PlatformSession) -> None:
            context = JobContext(
                db=self._db,
                session=session,
                tenant_id=tenant.id,
                lease=lease,
                progress=progress,
                live=self._live,
                limits=self._limits,
                clock=self._clock,
                metrics=self._metrics,
                due=due,
            )
            try:
                await self._with_heartbeat(self._heartbeat(lease, progress, session, due), TenantSync(context))
            finally:
                progress.note(session.request_counts)

        await adapter.sync(tenant.platform_id, body)

    def _next_due(self, tenant_id: str) -> datetime | None:
        """When the tenant's next tick is; one that is being served right now is past."""
        due = self._next_sync_at(tenant_id)
        return due if due and due > self._clock() else None

    async def _with_heartbeat(self, heartbeat: Coroutine[Any, Any, None], sync: TenantSync) -> None:
        """Run the sync beside a heartbeat; whichever fails ends both, the sync at a safe point."""
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(heartbeat, name="heartbeat")
                await sync.run()
                beat.cancel()
        except BaseExceptionGroup as failed:
            raise first_error(failed) from None

    async def _heartbeat(
        self, lease: JobLease, progress: Progress, session: PlatformSession, due: datetime | None
    ) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            progress.note(session.request_counts)
            now = self._clock()
            job = await jobs.renew(self._db, lease, now=now, extend=_LEASE, totals=progress.told(now, due))
            if job.cancel_requested:
                raise JobCancelled
            if time.monotonic() - began > self._limits.turn_seconds and await self._is_in_the_way(now):
                raise Preempted

    async def _is_in_the_way(self, now: datetime) -> bool:
        return self._slots.locked() and await jobs.has_due_jobs(self._db, now)

    async def _end(
        self,
        job: Job,
        lease: JobLease,
        status: JobStatus,
        error: Mapping[str, JsonValue] | None,
        progress: Progress,
        seconds: float,
    ) -> None:
        now = self._clock()
        totals = {**progress.totals, "duration_seconds": round(seconds, 3)}
        ended = await jobs.finish(self._db, lease, status=status, totals=totals, error=error, now=now)
        self._metrics.job_ended(str(job.kind), str(status))
        facts = {"job": job.id, "tenant": job.tenant_id, "status": str(status), **totals}
        log.log(logging.INFO if error is None else logging.WARNING, "sync ended", extra={**facts, "error": error})
        with suppress(TenantStopped):
            await self._follow_up(ended, now, is_cut_short=progress.is_cut_short)

    async def _follow_up(self, job: Job, now: datetime, *, is_cut_short: bool) -> None:
        if is_cut_short:  # the tick that it made room for found it unfinished
            await jobs.enqueue(self._db, job.tenant_id, JobKind.SCHEDULED, now=now)
            self.wake()
        elif _is_failed_initial(job):
            newest = await jobs.list_jobs(self._db, tenant_id=job.tenant_id, limit=len(_RETRY_SECONDS) + 1)
            failed_in_a_row = len(list(takewhile(_is_failed_initial, newest)))
            if failed_in_a_row <= len(_RETRY_SECONDS):
                due = now + timedelta(seconds=_RETRY_SECONDS[failed_in_a_row - 1])
                await jobs.enqueue(self._db, job.tenant_id, JobKind.INITIAL, now=now, run_after=due)

    async def back_off(self, job: Job, limit: RateLimited) -> None:
        now = self._clock()
        until = now + timedelta(seconds=limit.retry_after_seconds)
        platform = job.tenant_id.partition("-")[0]
        await tenants.defer_until(self._db, None if limit.is_global else job.tenant_id, platform, until=until, now=now)


def _is_failed_initial(job: Job) -> bool:
    return job.kind is JobKind.INITIAL and job.status in (JobStatus.FAILED, JobStatus.PARTIAL)


def _told(error: PlatformError | StorageError, **more: JsonValue) -> Mapping[str, JsonValue]:
    return {"code": error.code, "message": str(error), "remedy": error.remedy, **more}
