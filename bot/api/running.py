"""What runs and what waits, as open pages and streams show it: looked up once a second, however many look."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.api.job_responses import JobView
from bot.api.presenter import Presenter, job_view
from bot.queue_estimates import waiting_estimates
from storage import jobs, tenants
from storage.jobs import Job

_MOST_SHOWN, _MOST_ENDED = 20, 100
_FRESH_SECONDS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownJob:
    """An unfinished job, and what its tenant is called."""

    view: JobView
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The unfinished jobs at one moment: those that run, then those that wait, the first ones of very many."""

    jobs: Sequence[ShownJob]
    running: int
    waiting: int
    ended: Sequence[Job] = ()  # the newest ones that have ended

    @property
    def version(self) -> tuple[tuple[str, str], ...]:
        """What is another one as soon as a job begins or ends."""
        return tuple((job.view.job_id, job.view.status.value) for job in self.jobs)


class JobWatch:
    """Looks at the unfinished jobs."""

    def __init__(self, presenter: Presenter, now: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._presenter, self._now = presenter, now
        self._looking = asyncio.Lock()
        self._seen: Running | None = None
        self._seen_at = 0.0

    async def look(self) -> Running:
        """Return the unfinished jobs of all tenants, as they were within the last second."""
        async with self._looking:
            if self._seen is None or self._now() - self._seen_at > _FRESH_SECONDS:
                self._seen = await self._look()
                self._seen_at = self._now()
            return self._seen

    async def look_at(self, tenant_id: str) -> Running:
        """Return the unfinished job of a tenant, where it has one."""
        found = [job for job in (await self.look()).jobs if job.view.tenant_id == tenant_id]
        if not found:
            job = await jobs.newest_job(self._presenter.db, tenant_id)
            unfinished = [job] if job and job.finished_at is None else []
            found = await self._named(await self._presenter.jobs(unfinished))
        running = sum(shown.view.status is jobs.JobStatus.RUNNING for shown in found)
        ended = [job for job in (await self.look()).ended if job.tenant_id == tenant_id]
        return Running(jobs=found, running=running, waiting=len(found) - running, ended=ended)

    async def _look(self) -> Running:
        db, now = self._presenter.db, self._presenter.clock()
        figures = await jobs.queue_figures(db, now)
        page = await jobs.queue(db, now=now, limit=_MOST_SHOWN)
        # Those ahead of a job are before it on the page: what is behind it has no part in its estimate.
        ends = await waiting_estimates(db, page, now, self._presenter.slots)
        shown = await self._named([job_view(job, position, ends.get(job.id)) for job, position in page])
        ended = await jobs.list_jobs(db, only_finished=True, limit=_MOST_ENDED)
        return Running(jobs=shown, running=figures.running, waiting=figures.waiting, ended=ended)

    async def _named(self, views: Sequence[JobView]) -> list[ShownJob]:
        return [ShownJob(view=view, tenant=await self._name_of(view.tenant_id)) for view in views]

    async def _name_of(self, tenant_id: str) -> str:
        tenant = await tenants.get_tenant(self._presenter.db, tenant_id)
        return (tenant.name if tenant else None) or tenant_id
