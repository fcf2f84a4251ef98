"""The one way to enqueue a sync. What enqueues a job wakes the worker with it, and neither knows the other."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from storage import jobs, repair
from storage.database import Database
from storage.jobs import Job, JobKind


class JobQueue:
    """The jobs table, and the bell that wakes this process's worker for a new row."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._news = asyncio.Event()

    async def enqueue(self, tenant_id: str, kind: JobKind, *, run_after: datetime | None = None) -> tuple[Job, bool]:
        """Store a job for a tenant, unless one is unfinished already.

        Returns:
            The tenant's unfinished job, and whether it is new.

        Raises:
            TenantStopped: the tenant's administrator has had its syncs stopped.
        """
        if kind is JobKind.AUDIT:
            await repair.request_audit(self._db, tenant_id, self._clock())
        job, created = await jobs.enqueue(self._db, tenant_id, kind, now=self._clock(), run_after=run_after)
        self.wake()
        return job, created

    async def overdue_tenants(self, platform: str, *, before: datetime) -> list[str]:
        """List the connected tenants of a platform that have no unfinished job and were last synced before a time."""
        return await jobs.due_tenants(self._db, platform=platform, before=before)

    def wake(self) -> None:
        """Let the worker look at the queue now."""
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """Return once something was enqueued since the last wait, and after ``seconds`` in any case.

        The bell is stilled here, not before the queue is read: a job that is enqueued in between is not missed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()
