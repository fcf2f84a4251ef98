"""The calls about jobs and their queue."""

from dataclasses import dataclass

from bot.api.endpoint import Answer, Call, Nothing
from bot.api.job_responses import JobList, JobView, QueueView
from bot.api.openapi import AnyCall
from bot.api.presenter import Views
from bot.api.problems import Problem
from bot.api.requests import JobPage, OneJob, QueuePage
from storage import jobs
from storage.database import Database
from storage.jobs import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCalls:
    """The handlers, over what they ask and tell."""

    db: Database
    views: Views

    def calls(self) -> list[AnyCall]:
        """What they answer to."""
        return [
            Call(
                method="GET",
                path="/api/jobs",
                summary="Jobs, the newest first.",
                handler=self.list_jobs,
                asked=JobPage,
                body=Nothing,
                answers={200: JobList},
            ),
            Call(
                method="GET",
                path="/api/jobs/{jobId}",
                summary="One job, live: how far it is, when it is expected to end, what it took, what went wrong.",
                handler=self.show_job,
                asked=OneJob,
                body=Nothing,
                answers={200: JobView},
            ),
            Call(
                method="DELETE",
                path="/api/jobs/{jobId}",
                summary="Cancel a job: a waiting one at once, a running one (202) at its next safe point. One that has "
                "ended stays as it is.",
                handler=self.cancel_job,
                asked=OneJob,
                body=Nothing,
                answers={200: JobView, 202: JobView},
            ),
            Call(
                method="GET",
                path="/api/queue",
                summary="The unfinished jobs: those that run, then those that wait, in their order.",
                handler=self.show_queue,
                asked=QueuePage,
                body=Nothing,
                answers={200: QueueView},
            ),
        ]

    async def list_jobs(self, asked: JobPage, _: Nothing) -> Answer:
        """Jobs of all tenants or of one."""
        page = await jobs.list_jobs(
            self.db,
            tenant_id=asked.tenant_id,
            status=asked.status,
            kind=asked.kind,
            after=asked.cursor,
            limit=asked.limit,
        )
        cursor = page[-1].id if len(page) == asked.limit else None
        return Answer(JobList(jobs=await self.views.jobs(page), next_cursor=cursor))

    async def show_job(self, asked: OneJob, _: Nothing) -> Answer:
        """One job."""
        job = await jobs.get_job(self.db, asked.job_id)
        if job is None:
            raise _no_such_job(asked.job_id)
        return Answer(await self.views.job(job))

    async def cancel_job(self, asked: OneJob, _: Nothing) -> Answer:
        """Call a job off."""
        job = await jobs.cancel(self.db, asked.job_id, self.views.clock())
        if job is None:
            raise _no_such_job(asked.job_id)
        return Answer(await self.views.job(job), 202 if job.status is JobStatus.RUNNING else 200)

    async def show_queue(self, asked: QueuePage, _: Nothing) -> Answer:
        """The unfinished jobs in their order; the cursor counts those of the pages before."""
        now = self.views.clock()
        figures = await jobs.queue_figures(self.db, now)
        offset = int(asked.cursor or 0)
        page = await jobs.queue(self.db, now=now, limit=asked.limit, offset=offset)
        cursor = str(offset + len(page)) if len(page) == asked.limit else None
        shown = await self.views.jobs([job for job, _ in page])
        return Answer(QueueView(running=figures.running, waiting=figures.waiting, jobs=shown, next_cursor=cursor))


def _no_such_job(job_id: str) -> Problem:
    return Problem(404, "no_such_job", f"there is no job {job_id}; GET /api/jobs lists them")
