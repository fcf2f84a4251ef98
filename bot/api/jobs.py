"""The calls about jobs and their queue."""

from dataclasses import dataclass

from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.job_responses import JobList, JobView, QueueView
from bot.api.openapi import AnyEndpoint
from bot.api.presenter import Presenter
from bot.api.problems import Problem
from bot.api.requests import JobPage, JobPath, QueuePage
from storage import jobs
from storage.database import Database
from storage.jobs import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCalls:
    """Serves jobs and their queue, and cancels jobs."""

    db: Database
    presenter: Presenter

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/api/jobs",
                summary="Jobs, the newest first.",
                handler=self.list_jobs,
                params=JobPage,
                body=NoParameters,
                results={200: JobList},
            ),
            Endpoint(
                method="GET",
                path="/api/jobs/{jobId}",
                summary="One job, live: how far it is, when it is expected to end, what it took, what went wrong.",
                handler=self.show_job,
                params=JobPath,
                body=NoParameters,
                results={200: JobView},
            ),
            Endpoint(
                method="DELETE",
                path="/api/jobs/{jobId}",
                summary="Cancel a job: a waiting one at once, a running one (202) at its next safe point. One that has "
                "ended stays as it is.",
                handler=self.cancel_job,
                params=JobPath,
                body=NoParameters,
                results={200: JobView, 202: JobView},
            ),
            Endpoint(
                method="GET",
                path="/api/queue",
                summary="The unfinished jobs: those that run, then those that wait, in their order.",
                handler=self.show_queue,
                params=QueuePage,
                body=NoParameters,
                results={200: QueueView},
            ),
        ]

    async def list_jobs(self, params: JobPage, _: NoParameters) -> Result:
        """List jobs of all tenants or of one."""
        page = await jobs.list_jobs(
            self.db,
            tenant_id=params.tenant_id,
            status=params.status,
            kind=params.kind,
            after=params.cursor,
            limit=params.limit,
        )
        cursor = page[-1].id if len(page) == params.limit else None
        return Result(JobList(jobs=await self.presenter.jobs(page), next_cursor=cursor))

    async def show_job(self, params: JobPath, _: NoParameters) -> Result:
        """Show one job."""
        job = await jobs.get_job(self.db, params.job_id)
        if job is None:
            raise _no_such_job(params.job_id)
        return Result(await self.presenter.job(job))

    async def cancel_job(self, params: JobPath, _: NoParameters) -> Result:
        """Cancel a job."""
        job = await jobs.cancel(self.db, params.job_id, self.presenter.clock())
        if job is None:
            raise _no_such_job(params.job_id)
        return Result(await self.presenter.job(job), 202 if job.status is JobStatus.RUNNING else 200)

    async def show_queue(self, params: QueuePage, _: NoParameters) -> Result:
        """Show the unfinished jobs in their order; the cursor counts those of the pages before."""
        now = self.presenter.clock()
        figures = await jobs.queue_figures(self.db, now)
        offset = int(params.cursor or 0)
        page = await jobs.queue(self.db, now=now, limit=params.limit, offset=offset)
        cursor = str(offset + len(page)) if len(page) == params.limit else None
        shown = await self.presenter.jobs([job for job, _ in page])
        return Result(QueueView(running=figures.running, waiting=figures.waiting, jobs=shown, next_cursor=cursor))


def _no_such_job(job_id: str) -> Problem:
    return Problem(404, "no_such_job", f"there is no job {job_id}; GET /api/jobs lists them")
