"""Rows as the API shows them."""

from datetime import datetime

from bot.api.models import JobMetrics, JobProgress, JobView, TenantTotals, TenantView
from storage import jobs, tenants
from storage.database import Database
from storage.jobs import Job
from storage.tenants import Tenant


async def tenant_view(db: Database, tenant: Tenant, next_sync_at: datetime | None) -> TenantView:
    """A tenant with its totals."""
    totals = await tenants.tenant_totals(db, tenant.id)
    return TenantView(
        id=tenant.id,
        platform=tenant.platform,
        platform_id=tenant.platform_id,
        name=tenant.name,
        sync_status=str(tenant.sync_status),
        last_sync_at=tenant.last_sync_at,
        last_successful_sync_at=tenant.last_successful_sync_at,
        next_sync_at=next_sync_at,
        totals=TenantTotals(
            channels=totals.channels,
            channels_archived=totals.channels_archived,
            channels_skipped=totals.channels_skipped,
            messages=totals.messages,
        ),
    )


async def job_view(db: Database, job: Job, now: datetime) -> JobView:
    """A job with its place in the queue."""
    counts = {key: _count(job.totals.get(key)) for key in _COUNTS}
    settled = counts["channels_done"] + counts["channels_failed"]
    total = counts["channels_total"]
    ran_until = job.finished_at or (now if job.started_at else None)
    return JobView(
        job_id=job.id,
        tenant_id=job.tenant_id,
        kind=str(job.kind),
        status=str(job.status),
        attempt=job.attempt,
        queue_position=await jobs.queue_position(db, job),
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        progress=JobProgress(
            channels_done=counts["channels_done"],
            channels_failed=counts["channels_failed"],
            channels_skipped=counts["channels_skipped"],
            channels_total=total,
            messages=counts["messages"],
            fraction=round(min(settled / total, 1.0), 4) if total else None,
        ),
        metrics=JobMetrics(
            duration_seconds=(ran_until - job.started_at).total_seconds() if ran_until and job.started_at else None,
            messages=counts["messages"],
            requests=counts["requests"],
            retries=counts["retries"],
        ),
        error=dict(job.error) if job.error else None,
    )


_COUNTS = (
    "channels_done",
    "channels_failed",
    "channels_skipped",
    "channels_total",
    "messages",
    "requests",
    "retries",
)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
