"""Claim jobs from the queue and run them, several tenants at a time, each under a lease that a heartbeat renews.

Jobs are isolated: an error in one ends that job, and neither the worker nor another tenant's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from adapters.base import PlatformAdapter, PlatformSession
from adapters.errors import CredentialRefused, PlatformError, RateLimited
from adapters.ids import RecordRefused
from bot.attempt import Attempt, GuardedSync, Interrupted, Preempted, without_zeros
from bot.concurrency import only_wanted_cancellation
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.outcome import JobCancelled, Outcome, enqueue_follow_up
from bot.parts import Parts
from bot.persistence import persist, persist_wait, release_in_time
from bot.queue import JobQueue
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress
from storage import jobs, tenants
from storage.database import Database
from storage.errors import DatabaseBusy, DatabaseUnreachable, LeaseLost, StorageError, TenantStopped
from storage.jobs import Job
from storage.tenants import Tenant

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)  # on PostgreSQL, a killed process's job waits so long
_POLL_SECONDS = 1.0  # other processes may enqueue, and jobs come due
_LONGEST_PAUSE_SECONDS = 30.0  # between attempts while the queue cannot be read


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
        before_sync: Callable[[str], Awaitable[None]] | None = None,
        *,
        on_refused: Callable[[str, CredentialRefused], None],
        lease: timedelta = LEASE,
    ) -> None:
        """``on_refused`` is told which platform refuses its credential, and raises where that ends the process."""
        self._db = db
        self._queue = queue
        self._adapters = adapters
        self._parts = Parts(adapters)
        self._live = live
        self._config = config
        self._owner = owner
        self._clock = clock
        self._next_sync_at = next_sync_at
        self._metrics = metrics
        self._lease = lease
        self._on_refused = on_refused
        self._before_sync = before_sync  # called with the tenant's id before anything of it is read
        self._slots = asyncio.Semaphore(config.concurrent_tenants)
        self.running: dict[str, Attempt] = {}

    async def run(self) -> None:
        """Claim and run jobs until cancelled; the running ones then reach a safe point and go back to the queue.

        Raises:
            CredentialRefused: no platform will have this bot any more.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                attempt = await self._next_attempt()
                self.running[attempt.job.id] = attempt
                attempt.task = group.create_task(self._run_job(attempt), name=f"job {attempt.job.id}")
                attempt.task.add_done_callback(partial(self._ended, attempt.job.id))

    async def _next_attempt(self) -> Attempt:
        pause = _POLL_SECONDS
        while True:
            try:
                with only_wanted_cancellation():
                    if attempt := await self._claim():
                        return attempt
                pause = _POLL_SECONDS
            except StorageError as e:
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                log.error("cannot read the queue", extra={"code": e.code, "error": str(e)})
            except Exception:
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                log.exception("cannot read the queue, by a fault of the program")
            await self._queue.wait(pause)

    async def _claim(self) -> Attempt | None:
        # A tenant's job that still runs here is not claimed again, even if its lease has expired.
        busy = {attempt.job.tenant_id for attempt in self.running.values()}
        now, can = self._clock(), self._parts.claimable()
        claimed = await jobs.claim(self._db, self._owner, now=now, lease=self._lease, busy=busy, claimable=can)
        if claimed is None:
            return None
        job, lease = claimed
        return Attempt(job=job, lease=lease, progress=Progress(earlier=job.totals))

    def put_back(self, concerns: Callable[[str], bool]) -> None:
        """Put the running jobs of some tenants back into the queue, at their safe points: another process has them."""
        for attempt in self.running.values():
            if attempt.task and not attempt.is_ending and concerns(attempt.job.tenant_id):
                attempt.task.cancel()

    async def _run_job(self, attempt: Attempt) -> None:
        try:
            await self._work(attempt)
        except asyncio.CancelledError:
            await release_in_time(self._db, attempt.lease, attempt.progress.totals, self._clock())
            raise
        except LeaseLost:
            log.warning("sync was taken over or ended elsewhere", extra=attempt.facts)
        except CredentialRefused as e:
            self._on_refused(self._live.follower.platform_of(attempt.job.tenant_id), e)
        # The lease expires, and then a worker that can reach the database claims the job again.
        except StorageError as e:
            log.error("sync broken off", extra={**attempt.facts, "code": e.code, "error": str(e)})
        except Exception:
            log.exception("sync broken off by a fault of the program", extra=attempt.facts)

    def _ended(self, job_id: str, _: object) -> None:
        self.running.pop(job_id, None)
        self._queue.wake()  # the tenant's next job may be waiting already
        self._slots.release()

    async def _work(self, attempt: Attempt) -> None:
        try:
            outcome = await self._outcome(attempt)
        except Preempted:
            await self._put_back(attempt, "sync makes room for others")
        except Interrupted:
            attempt.progress.interruptions += 1
            await self._put_back(attempt, "sync was interrupted by the database and will go on")
        else:
            await self._end(attempt, outcome)

    async def _put_back(self, attempt: Attempt, why: str) -> None:
        """Put the job back behind those that wait; the next attempt continues from its checkpoints."""
        totals = attempt.progress.totals
        await persist(partial(jobs.yield_job, self._db, attempt.lease, totals=totals, now=self._clock()))
        log.info(why, extra={**attempt.facts, **without_zeros(totals)})

    async def _outcome(self, attempt: Attempt) -> Outcome:
        try:
            with only_wanted_cancellation():
                tenant = await self._tenant_of(attempt)
                self._live.followed.begin_anew(tenant.id, tenant.created_at)
                if self._before_sync is not None:
                    await self._before_sync(tenant.id)
                log.info("sync started", extra={**attempt.facts, "kind": str(attempt.job.kind)})
                await self._sync(attempt, tenant)
        except (LeaseLost, Preempted):
            raise
        except CredentialRefused as e:
            await self._end(attempt, Outcome.of_error(e))
            raise
        except (JobCancelled, PlatformError, RecordRefused, StorageError) as e:
            if isinstance(e, StorageError) and attempt.is_rate_limited:
                raise  # the wait is not stored: if the job ended here, it would be retried too early
            if isinstance(e, DatabaseBusy | DatabaseUnreachable) and attempt.may_go_on:
                raise Interrupted from e
            return Outcome.of_error(e)
        except Exception as e:
            log.exception("a sync has failed by a fault of the program: please report it", extra=attempt.facts)
            return Outcome.of_fault(e)
        return Outcome.of_progress(attempt.progress)

    async def _tenant_of(self, attempt: Attempt) -> Tenant:
        tenant = await tenants.get_tenant(self._db, attempt.job.tenant_id)
        if tenant is None:
            raise LeaseLost
        attempt.name = tenant.name
        return tenant

    async def _sync(self, attempt: Attempt, tenant: Tenant) -> None:
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
                kind=attempt.job.kind,
            )
            sync = GuardedSync(context=context, time_slice=self._config.time_slice, is_in_the_way=self._is_in_the_way)
            try:
                await sync.run()
            finally:
                attempt.progress.note(session.request_counts)

        async def back_off(limit: RateLimited) -> None:
            attempt.is_rate_limited = True
            await persist_wait(self._db, tenant, limit, self._clock())

        await self._adapters[tenant.platform].sync(tenant.platform_id, body, back_off)

    def _next_due(self, tenant_id: str) -> datetime | None:
        """Return when the tenant's next tick is; one that is being served right now is past."""
        due = self._next_sync_at(tenant_id)
        return due if due and due > self._clock() else None

    async def _is_in_the_way(self, now: datetime) -> bool:
        return self._slots.locked() and await jobs.has_due_jobs(self._db, now, claimable=self._parts.claimable())

    async def _end(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.is_ending = True
        ended = await self._finish(attempt, outcome)
        status, error = outcome.status, outcome.error
        has_looked = status in (jobs.JobStatus.SUCCEEDED, jobs.JobStatus.PARTIAL)
        pending = attempt.progress.reactions_pending if has_looked else None
        self._metrics.job_ended(ended.tenant_id, str(ended.kind), str(status), pending)
        level = logging.INFO if error is None else logging.WARNING
        facts = {**attempt.facts, "kind": str(ended.kind), "status": str(status), **without_zeros(ended.totals)}
        log.log(level, "sync ended", extra=facts | ({"error": error} if error else {}))
        with suppress(TenantStopped):
            is_cut_short = attempt.progress.is_cut_short
            now = ended.finished_at or self._clock()
            await enqueue_follow_up(self._db, self._queue, ended, now, is_cut_short=is_cut_short)

    async def _finish(self, attempt: Attempt, outcome: Outcome) -> Job:
        """Store a job's end; retry while the database is unreachable or busy."""
        status, error = outcome.status, outcome.error
        totals = attempt.progress.at_end(has_succeeded=error is None and status is jobs.JobStatus.SUCCEEDED)

        finish = partial(jobs.finish, self._db, attempt.lease, status=status, totals=totals, error=error)
        return await persist(partial(finish, now=self._clock()))
