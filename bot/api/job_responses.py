"""What the API answers about jobs and their queue."""

from datetime import datetime

from pydantic import Field

from bot.api.endpoint import ResponseModel
from bot.wording import REPAIRS_IN_WORDS
from storage.jobs import JobKind, JobStatus
from storage.repair import RefetchKind


class RepairsLeft(ResponseModel):
    """Ranges of messages that are still to be read again, by what they hold, in the order in which they are read."""

    refetch: int = Field(description=f"Of {REPAIRS_IN_WORDS[RefetchKind.REFETCH]}.")
    gap: int = Field(description=f"Of {REPAIRS_IN_WORDS[RefetchKind.GAP]}.")
    window: int = Field(description=f"Of {REPAIRS_IN_WORDS[RefetchKind.WINDOW]}.")
    audit: int = Field(description=f"Of {REPAIRS_IN_WORDS[RefetchKind.AUDIT]}.")


class JobProgress(ResponseModel):
    """How far a job is."""

    channels_done: int = Field(description="Channels and threads that are archived up to their newest message.")
    channels_failed: int = Field(description="Those that were given up; `error` says why.")
    channels_skipped: int = Field(description="Those that are not archived; the tenant's `/channels` says why.")
    channels_total: int = Field(description="Those that are to be archived.")
    messages: int = Field(description="Messages archived by this job.")
    reactions_done: int = Field(description="Lists of users fetched, each of one emoji of one message.")
    reactions_pending: int = Field(
        description="Lists of users that are still to be fetched, in this job or a later one."
    )
    channels_followed: int = Field(
        description="Channels and threads that were followed live when all was read: new messages are stored at once."
    )
    proven_until: datetime | None = Field(
        description="Until when it has shown that no message was missed behind the newest one received of each "
        "channel; null: none is followed."
    )
    repairs_done: int = Field(description="Ranges of messages read again, after a gap or for an audit.")
    repairs_pending: int = Field(description="Ranges that are still to be read again, in this job or a later one.")
    repairs_left: RepairsLeft = Field(description="These ranges by their urgency.")
    repairing: str | None = Field(description="What is being read again at the moment, in words; null: nothing is.")
    changed: int = Field(description="Messages that were found otherwise than archived, and brought up to date.")
    deleted: int = Field(description="Messages that were found gone, and marked as deleted.")
    fraction: float | None = Field(
        description="How much of it is done, from 0 to 1; 1 only where nothing is left, no channel, no reactions and "
        "no ranges either; null: there is no estimate yet."
    )


class JobMetrics(ResponseModel):
    """What a job took, summed over its attempts."""

    duration_seconds: float | None = Field(
        description="How long it ran, in all or so far by its last heartbeat (one every two seconds), without the time "
        "it waited; null: it has not begun."
    )
    messages: int = Field(description="Messages archived.")
    reactions: int = Field(description="Users' reactions archived.")
    requests: int = Field(description="Requests sent to the platform.")
    retries: int = Field(description="Those of them that tried again what had failed.")


class FailedChannel(ResponseModel):
    """A channel that a job gave up. What it had is kept, and the next sync goes on from there."""

    channel_id: str = Field(description="Its id on the platform.")
    code: str
    message: str
    remedy: str | None = Field(description="What the operator can do.")


class JobError(ResponseModel):
    """Why a job is not a full success."""

    code: str = Field(examples=["rate_limited"])
    message: str
    remedy: str | None = Field(description="What the operator can do.")
    retry_after_seconds: float | None = Field(description="How long the platform wants no requests.")
    scope: str | None = Field(description="Whom a rate limit concerns, by the platform's word.")
    channels: list[FailedChannel] = Field(description="The channels that were given up; of very many the first ones.")


class JobView(ResponseModel):
    """A sync job."""

    job_id: str = Field(examples=["019adf2c-5b1e-7000-8a4b-2f1c9d0e7a11"])
    tenant_id: str = Field(examples=["discord-1098765432109876543"])
    kind: JobKind = Field(description="Why it was enqueued.")
    status: JobStatus = Field(
        description="`queued` or `running`, or its end: `succeeded`: every archived channel was read to its end, and "
        "`progress` says what is left besides; `partial`: some channels were given up, or messages were set aside; "
        "`failed`: nothing useful could be done; `rate_limited`: the platform said stop; `cancelled`: by request."
    )
    cancel_requested: bool = Field(description="Whether it is to be cancelled; if it runs, at its next safe point.")
    attempt: int = Field(description="How often it was taken up; more than once after a restart, say.")
    queue_position: int | None = Field(description="1 is the next to run; null: it does not wait.")
    queued_at: datetime
    run_after: datetime = Field(description="When it was due.")
    started_at: datetime | None
    finished_at: datetime | None
    estimated_completion_at: datetime | None = Field(
        description="When an unfinished job is expected to have ended; null: there is no ground for an estimate."
    )
    progress: JobProgress
    metrics: JobMetrics
    error: JobError | None = Field(description="Why it is not a full success; null: there was no error.")


class CreatedJob(JobView):
    """A job as answered to the request for it."""

    created: bool = Field(description="False where the tenant had an unfinished job already: this one.")
    hint: str | None = Field(default=None, description="What happens to the request, where this job is another one.")


class JobList(ResponseModel):
    """A page of jobs, the newest first."""

    jobs: list[JobView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


class QueueView(ResponseModel):
    """A page of the unfinished jobs: those that run, then those that wait, in their order."""

    running: int = Field(description="How many jobs run.")
    waiting: int = Field(description="How many jobs wait.")
    jobs: list[JobView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")
