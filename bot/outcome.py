"""How a job ends: the status and error that its row gets, and which job follows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from adapters.errors import PlatformError, RateLimited
from adapters.ids import RecordRefused
from adapters.records import JsonValue
from bot.queue import JobQueue
from bot.sync import Progress
from storage import jobs
from storage.database import Database
from storage.errors import StorageError
from storage.jobs import Job, JobKind, JobStatus

# Of a first sync, which is then left to the clock.
_RETRY_PAUSES = [timedelta(seconds=seconds) for seconds in (1, 2, 4)]


class JobCancelled(Exception):
    """The running job was cancelled by request."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's end; ``error`` is None where it is a full success, or was cancelled."""

    status: JobStatus
    error: Mapping[str, JsonValue] | None = None

    @classmethod
    def of_error(cls, error: JobCancelled | PlatformError | RecordRefused | StorageError) -> "Outcome":
        """Map the error that ended a sync to the job's end."""
        if isinstance(error, JobCancelled):
            return cls(JobStatus.CANCELLED)
        facts: dict[str, JsonValue] = {"code": error.code, "message": str(error), "remedy": error.remedy}
        if isinstance(error, RateLimited):
            wait: dict[str, JsonValue] = {"retry_after_seconds": error.retry_after_seconds, "scope": error.scope}
            return cls(JobStatus.RATE_LIMITED, facts | wait)
        return cls(JobStatus.FAILED, facts)

    @classmethod
    def of_fault(cls, error: Exception) -> "Outcome":
        """Return the outcome of a job that failed by a fault of the program; details are in the log alone."""
        message = f"the sync met a fault of the program ({type(error).__name__}); the log has the traceback"
        remedy = "the next sync tries again; please report it, with the log around it"
        return cls(JobStatus.FAILED, {"code": "internal_error", "message": message, "remedy": remedy})

    @classmethod
    def of_progress(cls, progress: Progress) -> "Outcome":
        """Judge by the channels that gave up a sync that ran to its end."""
        return cls(JobStatus.PARTIAL if progress.error else JobStatus.SUCCEEDED, progress.error)


async def enqueue_follow_up(db: Database, queue: JobQueue, ended: Job, now: datetime, *, is_cut_short: bool) -> None:
    """Enqueue the rest of a sync that was cut short, or the retry of a first sync that was no full success.

    Raises:
        TenantStopped: the tenant's administrator has had its syncs stopped.
    """
    if is_cut_short:  # the tick that it made room for found it unfinished
        await queue.enqueue(ended.tenant_id, JobKind.SCHEDULED)
    elif _is_failed_initial(ended):
        newest = await jobs.list_jobs(db, tenant_id=ended.tenant_id, limit=len(_RETRY_PAUSES) + 1)
        failed_in_a_row = len(list(takewhile(_is_failed_initial, newest)))
        if failed_in_a_row <= len(_RETRY_PAUSES):
            await queue.enqueue(ended.tenant_id, JobKind.INITIAL, run_after=now + _RETRY_PAUSES[failed_in_a_row - 1])


def _is_failed_initial(job: Job) -> bool:
    return job.kind is JobKind.INITIAL and job.status in (JobStatus.FAILED, JobStatus.PARTIAL)
