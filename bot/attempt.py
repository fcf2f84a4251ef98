"""An attempt at a job, and the heartbeat that renews its lease while it runs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.concurrency import first_error, only_wanted_cancellation
from bot.outcome import JobCancelled
from bot.sync import JobContext, Progress, TenantSync
from storage import jobs
from storage.errors import LeaseLost, StorageError
from storage.jobs import Job, JobLease

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0  # also the interval at which progress is stored
_LOOK_SECONDS = 0.25
_MOST_INTERRUPTIONS = 3  # of one job, by a database that is unreachable or busy


class Preempted(Exception):
    """The job has used up its time slice, and other jobs are waiting."""


class Interrupted(Exception):
    """The database was unreachable or busy; the job can continue once it is back."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt of this worker at a job."""

    job: Job
    lease: JobLease
    progress: Progress
    name: str | None = None  # the community's
    is_rate_limited: bool = False
    task: asyncio.Task[None] | None = None  # that makes it
    is_ending: bool = False  # whether its end, and the job that follows, are being stored

    @property
    def facts(self) -> dict[str, object]:
        """The common fields of its log lines."""
        named = {"tenant_name": self.name} if self.name else {}  # "name" is a reserved field of log records
        return {"job": self.job.id, "tenant": self.job.tenant_id, **named}

    @property
    def may_go_on(self) -> bool:
        """Whether an interrupted job may continue; after some interruptions the next sync does."""
        interruptions = self.progress.totals["interruptions"]
        return isinstance(interruptions, int) and interruptions < _MOST_INTERRUPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedSync:
    """A sync beside its heartbeat."""

    context: JobContext
    time_slice: timedelta  # after which it yields to waiting jobs
    is_in_the_way: Callable[[datetime], Awaitable[bool]]
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    async def run(self) -> None:
        """Run the sync beside its heartbeat; the first of the two to fail ends both, the sync at a safe point.

        Raises:
            JobCancelled, LeaseLost, Preempted: the job was cancelled, lost its lease, or yields.
            PlatformError, StorageError: the sync has to end.
        """
        try:
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(self._keep_beating(), name="heartbeat")
                await TenantSync(self.context).run()
                beat.cancel()
        except BaseExceptionGroup as failed:
            raise first_error(failed) from None

    async def _keep_beating(self) -> None:
        began = time.monotonic()
        await self._until_first_beat()
        while True:
            with only_wanted_cancellation():  # otherwise it could end silently
                await self._beat(began)
            await asyncio.sleep(self.heartbeat_seconds)

    async def _until_first_beat(self) -> None:
        """Wait until something is known to be left to read, which then shows at once, but at most as for any beat.

        A sync that finds nothing new has no beat in its first two seconds, and so costs the database none.
        """
        for _ in range(int(self.heartbeat_seconds / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            if not self.context.progress.is_whole:
                return

    async def _beat(self, began: float) -> None:
        context, now = self.context, self.context.clock()
        context.progress.note(context.session.request_counts)
        try:
            job = await jobs.renew(context.db, context.lease, now=now, totals=context.progress.snapshot(now))
            if job.cancel_requested:
                raise JobCancelled
            if time.monotonic() - began > self.time_slice.total_seconds() and await self.is_in_the_way(now):
                raise Preempted
        except LeaseLost:
            raise
        except StorageError as e:
            # One failed heartbeat of many: if the database is gone the sync itself will fail.
            log.warning("a heartbeat was missed", extra={"job": context.lease.job_id, "code": e.code})


def without_zeros(totals: Mapping[str, object]) -> dict[str, object]:
    """Return the figures of a job that are not zero."""
    return {name: value for name, value in totals.items() if value}
