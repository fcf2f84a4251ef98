"""Takes jobs from the queue and runs them, several tenants at a time, each under a lease that a heartbeat renews."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter, PlatformSession
from adapters.errors import CredentialRefused, PlatformError, RateLimited
from bot.concurrency import first_error
from bot.config import SyncConfig
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.outcome import JobCancelled, Outcome, enqueue_follow_up
from bot.queue import JobQueue
from bot.sync import JobContext, Progress, TenantSync
from storage import jobs, tenants
from storage.database import Database
from storage.errors import LeaseLost, StorageError, TenantStopped
from storage.jobs import Job, JobLease
from storage.tenants import Tenant

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=15)  # how long a job of a killed process waits on Postgres
_HEARTBEAT_SECONDS = 2.0  # also how often progress is written
_POLL_SECONDS = 1.0  # other processes may enqueue, and jobs come due
_STORAGE_PAUSE_SECONDS = 5.0


class Preempted(Exception):
    """The job has used up its time slice, and others wait."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A job that this worker has claimed."""

    job: Job
    lease: JobLease
    progress: Progress = field(default_factory=Progress)
    began: float = field(default_factory=time.monotonic)

    @property
    def facts(self) -> dict[str, object]:
        """The fields that its log lines have in common."""
        return {"job": self.job.id, "tenant": self.job.tenant_id}


class Worker:
    """Claims and runs jobs until cancelled."""

    def __init__(
        self,
        db: Database,
        queue: JobQueue,
        adapters: Mapping[str, PlatformAdapter],
        live: LiveWriter,
        config: SyncConfig,
        owner: str,
        clock: Callable[[], datetime],
        next_sync_at: Callable[[str], datetime | None],
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._queue = queue
        self._adapters = adapters
        self._live = live
        self._config = config
        self._owner = owner
        self._clock = clock
        self._next_sync_at = next_sync_at
        self._metrics = metrics
        self._slots = asyncio.Semaphore(config.concurrent_tenants)
        self.running: dict[str, Progress] = {}

    async def run(self) -> None:
        """Claim and run jobs until cancelled; the running ones then reach a safe point and go back to the queue.

        Raises:
            CredentialRefused: the platform will not have this bot any more.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                attempt = await self._next_attempt()
                task = group.create_task(self._run_job(attempt), name=f"job {attempt.job.id}")
                task.add_done_callback(lambda _: self._slots.release())

    async def _next_attempt(self) -> _Attempt:
        while True:
            pause = _POLL_SECONDS
            try:
                if claimed := await self._claim():
                    return _Attempt(*claimed)
            except StorageError as e:
                log.error("cannot read the queue", extra={"code": e.code, "error": str(e)})
                pause = _STORAGE_PAUSE_SECONDS
            await self._queue.wait(pause)

    async def _claim(self) -> tuple[Job, JobLease] | None:
        if any(adapter.unready_reason for adapter in self._adapters.values()):
            return None  # a job claimed now could only fail
        return await jobs.claim(self._db, self._owner, now=self._clock(), lease=_LEASE)

    async def _run_job(self, attempt: _Attempt) -> None:
        self.running[attempt.job.id] = attempt.progress
        log.info("sync started", extra={**attempt.facts, "kind": str(attempt.job.kind)})
        try:
            await self._work(attempt)
        except asyncio.CancelledError:
            with suppress(StorageError):  # or the lease runs out
                await jobs.release(self._db, attempt.lease, totals=attempt.progress.totals, now=self._clock())
            raise
        except LeaseLost:
            log.warning("sync was taken over or ended elsewhere", extra=attempt.facts)
        except StorageError as e:
            # The lease runs out, and then a worker that can reach the database takes the job up where it was.
            log.error("sync broken off", extra={"job": attempt.job.id, "code": e.code, "error": str(e)})
        finally:
            self.running.pop(attempt.job.id, None)

    async def _work(self, attempt: _Attempt) -> None:
        try:
            outcome = await self._outcome(attempt)
        except Preempted:
            totals = attempt.progress.totals
            await jobs.yield_job(self._db, attempt.lease, totals=totals, now=self._clock())
            log.info("sync makes room for others", extra={**attempt.facts, **totals})
            self._queue.wake()
        else:
            await self._end(attempt, outcome, time.monotonic() - attempt.began)

    async def _outcome(self, attempt: _Attempt) -> Outcome:
        try:
            tenant = await self._tenant_of(attempt)
            await self._sync(attempt, tenant)
        except LeaseLost:
            raise
        except RateLimited as e:
            # Where the wait cannot be stored the job does not end here, or it would be tried again too early.
            await self._back_off(tenant, e)
            return Outcome.of_error(e)
        except CredentialRefused as e:
            await self._end(attempt, Outcome.of_error(e), 0.0)
            raise
        except (JobCancelled, PlatformError, StorageError) as e:
            return Outcome.of_error(e)
        return Outcome.of_progress(attempt.progress)

    async def _tenant_of(self, attempt: _Attempt) -> Tenant:
        tenant = await tenants.get_tenant(self._db, attempt.job.tenant_id)
        if tenant is None:
            raise LeaseLost
        return tenant

    async def _sync(self, attempt: _Attempt, tenant: Tenant) -> None:
        due = self._next_due(tenant.id)

        async def body(session: PlatformSession) -> None:
            context = JobContext(
                db=self._db,
                session=session,
                tenant_id=tenant.id,
                lease=attempt.lease,
                progress=attempt.progress,
                live=self._live,
                config=self._config,
                clock=self._clock,
                metrics=self._metrics,
                due=due,
            )
            try:
                await self._run_beside_heartbeat(context)
            finally:
                attempt.progress.note(session.request_counts)

        await self._adapters[tenant.platform].sync(tenant.platform_id, body)

    def _next_due(self, tenant_id: str) -> datetime | None:
        """Return when the tenant's next tick is; one that is being served right now is past."""
        due = self._next_sync_at(tenant_id)
        return due if due and due > self._clock() else None

    async def _run_beside_heartbeat(self, context: JobContext) -> None:
        """Run the sync beside a heartbeat; the first to fail ends both, the sync at a safe point."""
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(self._heartbeat(context), name="heartbeat")
                await TenantSync(context).run()
                beat.cancel()
        except BaseExceptionGroup as failed:
            raise first_error(failed) from None

    async def _heartbeat(self, context: JobContext) -> None:
        began, progress = time.monotonic(), context.progress
        time_slice = self._config.time_slice.total_seconds()
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            progress.note(context.session.request_counts)
            now = self._clock()
            totals = progress.snapshot(now, context.due)
            job = await jobs.renew(self._db, context.lease, now=now, extend=_LEASE, totals=totals)
            if job.cancel_requested:
                raise JobCancelled
            if time.monotonic() - began > time_slice and await self._is_in_the_way(now):
                raise Preempted

    async def _is_in_the_way(self, now: datetime) -> bool:
        return self._slots.locked() and await jobs.has_due_jobs(self._db, now)

    async def _end(self, attempt: _Attempt, outcome: Outcome, seconds: float) -> None:
        now, progress = self._clock(), attempt.progress
        totals = {**progress.totals, "duration_seconds": round(seconds, 3)}
        status, error = outcome.status, outcome.error
        ended = await jobs.finish(self._db, attempt.lease, status=status, totals=totals, error=error, now=now)
        self._metrics.job_ended(str(ended.kind), str(status))
        level = logging.INFO if error is None else logging.WARNING
        log.log(level, "sync ended", extra={**attempt.facts, "status": str(status), **totals, "error": error})
        with suppress(TenantStopped):
            await enqueue_follow_up(self._db, self._queue, ended, now, is_cut_short=progress.is_cut_short)

    async def _back_off(self, tenant: Tenant, limit: RateLimited) -> None:
        """Let no sync of the tenant begin before the platform's wait is over; of no tenant, where it concerns all."""
        now = self._clock()
        until = now + timedelta(seconds=limit.retry_after_seconds)
        tenant_id = None if limit.is_global else tenant.id
        await tenants.defer_until(self._db, tenant_id, tenant.platform, until=until, now=now)
