"""Takes jobs from the queue and runs them, several tenants at a time, each under a lease that a heartbeat renews."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from adapters.base import CredentialRefused, PlatformAdapter, PlatformError, PlatformSession, RateLimited
from adapters.records import JsonValue
from bot.concurrency import first_error
from bot.progress import Progress
from bot.sync import TenantSync
from storage import jobs, tenants
from storage.database import Database
from storage.errors import LeaseLost, StorageError
from storage.jobs import Job, JobKind, JobLease, JobStatus

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=15)  # how long a job of a killed process waits on Postgres
_HEARTBEAT_SECONDS = 2.0  # also how often progress is written
_POLL_SECONDS = 1.0  # other processes may enqueue, and jobs come due
_STORAGE_PAUSE_SECONDS = 5.0
_RETRY_SECONDS = (1, 2, 4)  # ruling 9


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncLimits:
    """How much runs at once."""

    batch_size: int
    concurrent_tenants: int
    concurrent_channels: int


class Worker:
    """Runs jobs until told to stop."""

    def __init__(
        self,
        db: Database,
        adapters: Mapping[str, PlatformAdapter],
        limits: SyncLimits,
        owner: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._adapters = adapters
        self._limits = limits
        self._owner = owner
        self._clock = clock
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
        slots = asyncio.Semaphore(self._limits.concurrent_tenants)
        async with asyncio.TaskGroup() as group:
            while True:
                await slots.acquire()
                claimed = await self._next_job()
                task = group.create_task(self._run_job(*claimed), name=f"job {claimed[0].id}")
                task.add_done_callback(lambda _: slots.release())

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
            status, error = await self._attempt(job, lease, progress)
            await self._end(job, lease, status, error, progress, time.monotonic() - started)
        except asyncio.CancelledError:
            await jobs.release(self._db, lease, totals=progress.totals, now=self._clock())
            raise
        except LeaseLost:
            log.warning("sync was taken over or ended elsewhere", extra={"job": job.id, "tenant": job.tenant_id})
        except StorageError as e:
            # The lease runs out, and then whoever can reach the database takes the job up where it was.
            log.error("sync broken off", extra={"job": job.id, "code": e.code, "error": str(e)})
        finally:
            self.running.pop(job.id, None)

    async def _attempt(
        self, job: Job, lease: JobLease, progress: Progress
    ) -> tuple[JobStatus, Mapping[str, JsonValue] | None]:
        try:
            await self._sync(job, lease, progress)
        except RateLimited as e:
            await self._stay_away(job, e)
            return JobStatus.RATE_LIMITED, _told(e, retry_after_seconds=e.retry_after_seconds, scope=e.scope)
        except CredentialRefused as e:
            await self._end(job, lease, JobStatus.FAILED, _told(e), progress, 0.0)
            raise
        except LeaseLost:
            raise
        except (PlatformError, StorageError) as e:
            return JobStatus.FAILED, _told(e)
        return (JobStatus.PARTIAL if progress.channels_failed else JobStatus.SUCCEEDED), progress.error

    async def _sync(self, job: Job, lease: JobLease, progress: Progress) -> None:
        tenant = await tenants.get_tenant(self._db, job.tenant_id)
        if tenant is None:
            raise LeaseLost
        adapter = self._adapters[tenant.platform]

        async def body(session: PlatformSession) -> None:
            sync = TenantSync(
                self._db,
                session,
                tenant.id,
                lease,
                progress,
                batch_size=self._limits.batch_size,
                concurrent_channels=self._limits.concurrent_channels,
                clock=self._clock,
            )
            try:
                await self._with_heartbeat(lease, progress, session, sync)
            finally:
                progress.note(session.counts)

        await adapter.sync(tenant.platform_id, body)

    async def _with_heartbeat(
        self, lease: JobLease, progress: Progress, session: PlatformSession, sync: TenantSync
    ) -> None:
        """Run the sync beside a heartbeat; whichever fails ends both."""
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(self._heartbeat(lease, progress, session), name="heartbeat")
                await sync.run()
                beat.cancel()
        except BaseExceptionGroup as failed:
            raise first_error(failed) from None

    async def _heartbeat(self, lease: JobLease, progress: Progress, session: PlatformSession) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            progress.note(session.counts)
            await jobs.renew(self._db, lease, now=self._clock(), extend=_LEASE, totals=progress.totals)

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
        facts = {"job": job.id, "tenant": job.tenant_id, "status": str(status), **totals}
        log.log(logging.INFO if error is None else logging.WARNING, "sync ended", extra={**facts, "error": error})
        await self._retry_initial(ended, now)

    async def _retry_initial(self, job: Job, now: datetime) -> None:
        if not _is_failed_initial(job):
            return
        newest = await jobs.list_jobs(self._db, tenant_id=job.tenant_id, limit=len(_RETRY_SECONDS) + 1)
        failed_in_a_row = len(list(takewhile(_is_failed_initial, newest)))
        if failed_in_a_row <= len(_RETRY_SECONDS):
            due = now + timedelta(seconds=_RETRY_SECONDS[failed_in_a_row - 1])
            await jobs.enqueue(self._db, job.tenant_id, JobKind.INITIAL, now=now, run_after=due)

    async def _stay_away(self, job: Job, limit: RateLimited) -> None:
        now = self._clock()
        until = now + timedelta(seconds=limit.retry_after_seconds)
        platform = job.tenant_id.partition("-")[0]
        await tenants.set_not_before(
            self._db, None if limit.is_global else job.tenant_id, platform, until=until, now=now
        )


def _is_failed_initial(job: Job) -> bool:
    return job.kind is JobKind.INITIAL and job.status in (JobStatus.FAILED, JobStatus.PARTIAL)


def _told(error: PlatformError | StorageError, **more: JsonValue) -> Mapping[str, JsonValue]:
    return {"code": error.code, "message": str(error), **more}
