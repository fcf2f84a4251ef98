"""A job as the API shows it."""

from collections.abc import Mapping
from datetime import datetime

from adapters.records import JsonValue
from bot.api.facts import Facts
from bot.api.job_responses import FailedChannel, JobError, JobMetrics, JobProgress, JobView
from storage.jobs import Job, JobStatus


def job_view(job: Job, position: int | None, expected_at: datetime | None, now: datetime) -> JobView:
    """A job; its place in the queue and its expected end are for a waiting one."""
    told = Facts(job.totals)
    if job.status is JobStatus.RUNNING:
        expected_at = told.time("estimated_completion_at")
    return JobView(
        job_id=job.id,
        tenant_id=job.tenant_id,
        kind=job.kind,
        status=job.status,
        cancel_requested=job.cancel_requested,
        attempt=job.attempt,
        queue_position=position,
        queued_at=job.queued_at,
        run_after=job.run_after,
        started_at=job.started_at,
        finished_at=job.finished_at,
        estimated_completion_at=expected_at,
        progress=JobProgress(
            channels_done=told.count("channels_done"),
            channels_failed=told.count("channels_failed"),
            channels_skipped=told.count("channels_skipped"),
            channels_total=told.count("channels_total"),
            messages=told.count("messages"),
            reactions_done=told.count("reactions_done"),
            reactions_pending=told.count("reactions_pending"),
            repairs_done=told.count("repairs_done"),
            repairs_pending=told.count("repairs_pending"),
            changed=told.count("changed"),
            deleted=told.count("deleted"),
            fraction=1.0 if job.status is JobStatus.SUCCEEDED else told.number("fraction"),
        ),
        metrics=JobMetrics(
            duration_seconds=_duration_seconds(job, told, now),
            messages=told.count("messages"),
            reactions=told.count("reactions"),
            requests=told.count("requests"),
            retries=told.count("retries"),
        ),
        error=_job_error(job.error) if job.error else None,
    )


def _duration_seconds(job: Job, told: Facts, now: datetime) -> float | None:
    seconds = told.number("duration_seconds")
    if seconds is not None or job.started_at is None:
        return seconds
    return ((job.finished_at or now) - job.started_at).total_seconds()


def _job_error(error: Mapping[str, JsonValue]) -> JobError:
    said = Facts(error)
    channels = error.get("channels")
    return JobError(
        code=said.text("code") or "unknown",
        message=said.text("message") or "",
        remedy=said.text("remedy"),
        retry_after_seconds=said.number("retry_after_seconds"),
        scope=said.text("scope"),
        channels=[
            FailedChannel(
                channel_id=of.text("channel_id") or "",
                code=of.text("code") or "unknown",
                message=of.text("message") or "",
                remedy=of.text("remedy"),
            )
            for of in map(Facts, channels if isinstance(channels, list) else [])
        ],
    )
