"""Running jobs: a worker claims one, renews its lease while it works, and finishes it.

The attempt number is the fencing token: the worker that takes a job up raises it, and the worker before is shut out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Update, and_, bindparam, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs.model import HELD, Job, JobLease, JobStatus, due_at, job_of
from storage.jobs.order import queue_order
from storage.jobs.tenant_status import SETTLED_STATUS, settle_status
from storage.sql import NOW, TENANT_ID, JsonObject, UtcDateTime, one_row
from storage.tables import sync_jobs, tenants, unfinished

_UNTIL = bindparam("until", type_=UtcDateTime)
_TOTALS = bindparam("new_totals", type_=JsonObject)

_free, _tenant = sync_jobs.alias("free"), tenants.alias("tenant")
_NEXT = (
    select(_free.c.id)
    .join(_tenant, _tenant.c.id == _free.c.tenant_id)
    .where(unfinished(_free), due_at(_free, _tenant) <= NOW)
    .where(or_(_free.c.status == "queued", _free.c.lease_until < NOW), _tenant.c.stopped_at.is_(None))
    .order_by(*queue_order(_free, _tenant))
    .limit(1)
    .with_for_update(skip_locked=True, of=_free)  # SQLite has no such thing and no need: one writer at a time
)
_CLAIM = (
    update(sync_jobs)
    .where(sync_jobs.c.id == _NEXT.scalar_subquery())
    .values(
        status="running",
        attempt=sync_jobs.c.attempt + 1,
        owner=bindparam("new_owner"),
        lease_until=_UNTIL,
        started_at=func.coalesce(sync_jobs.c.started_at, NOW),
        updated_at=NOW,
    )
    .returning(sync_jobs)
)
_stopped = select(tenants.c.id).where(tenants.c.stopped_at.is_not(None))
_is_cancelled = and_(sync_jobs.c.status == "running", sync_jobs.c.lease_until < NOW, sync_jobs.c.cancel_requested)
_is_stopped = and_(sync_jobs.c.status == "queued", sync_jobs.c.tenant_id.in_(_stopped))
_END_ABANDONED = (
    update(sync_jobs)
    .where(unfinished(sync_jobs), or_(_is_cancelled, _is_stopped))
    .values(status="cancelled", finished_at=NOW, lease_until=null(), updated_at=NOW)
    .returning(sync_jobs.c.tenant_id)
)


@finish_before_cancel
async def claim(db: Database, owner: str, *, now: datetime, lease: timedelta) -> tuple[Job, JobLease] | None:
    """Take up the next job for ``lease``, or None where there is nothing to do.

    Next is a waiting job that is due, or a running one whose lease ran out because its worker died: the highest
    priority first, then the one that has been due longest. Cancelled jobs of dead workers are ended on the way, and
    those of a tenant that was stopped in the instant in which they were queued.
    """
    async with db.writing() as connection:
        await update_and_settle(connection, _END_ABANDONED, now)
        row = await one_row(connection, _CLAIM, {"now": now, "until": now + lease, "new_owner": owner})
        if row is None:
            return None
        job = job_of(row)
        await settle_status(connection, job.tenant_id, now)
    return job, JobLease(job_id=job.id, owner=owner, attempt=job.attempt)


_RENEW = update(sync_jobs).where(*HELD).values(lease_until=_UNTIL, totals=_TOTALS, updated_at=NOW).returning(sync_jobs)


@finish_before_cancel
async def renew(
    db: Database, lease: JobLease, *, now: datetime, extend: timedelta, totals: Mapping[str, JsonValue]
) -> Job:
    """Keep a job for ``extend`` from now, and store how far it is.

    Returns:
        The job as it is now; its ``cancel_requested`` says whether the worker should end it.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    values = {"now": now, "until": now + extend, "new_totals": dict(totals)}
    async with db.writing() as connection:
        return await update_held(connection, _RENEW, lease, values)


_END = bindparam("end", type_=Text)
_FINISH = (
    update(sync_jobs)
    .where(*HELD)
    .values(
        status=_END,
        finished_at=NOW,
        lease_until=null(),
        totals=_TOTALS,
        error=bindparam("new_error", type_=JsonObject),
        updated_at=NOW,
    )
    .returning(sync_jobs)
)
_FINISH_TENANT = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID)
    .values(
        last_sync_at=case((_END != "cancelled", NOW), else_=tenants.c.last_sync_at),
        last_successful_sync_at=case((_END == "succeeded", NOW), else_=tenants.c.last_successful_sync_at),
        sync_status=case((tenants.c.sync_status == "disconnected", "disconnected"), else_=SETTLED_STATUS),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def finish(
    db: Database,
    lease: JobLease,
    *,
    status: JobStatus,
    totals: Mapping[str, JsonValue],
    error: Mapping[str, JsonValue] | None,
    now: datetime,
) -> Job:
    """End a job and bring its tenant's row along.

    ``last_sync_at`` moves at every end but ``cancelled``, ``last_successful_sync_at`` at ``succeeded`` alone.

    Raises:
        LeaseLost: the job is not this worker's any more; nothing was written.
    """
    if not status.is_end:
        raise ValueError(f"{status} is not an end")
    values = {"end": status.value, "new_totals": dict(totals), "new_error": dict(error) if error else None, "now": now}
    async with db.writing() as connection:
        job = await update_held(connection, _FINISH, lease, values)
        await connection.execute(_FINISH_TENANT, {"tenant": job.tenant_id, "end": status.value, "now": now})
    return job


async def update_held(
    connection: AsyncConnection, statement: Update, lease: JobLease, values: Mapping[str, object]
) -> Job:
    """Run an update of the job that a lease holds (``HELD``), which returns its row.

    Raises:
        LeaseLost: it does not hold it any more.
    """
    row = await one_row(connection, statement, {**values, **lease.as_values()})
    if row is None:
        raise LeaseLost
    return job_of(row)


async def update_and_settle(connection: AsyncConnection, statement: Update, now: datetime) -> int:
    """Run an update of jobs, which returns their tenants' ids, and settle those. Returns how many jobs it changed."""
    tenant_ids = list((await connection.execute(statement, {"now": now})).scalars())
    for tenant_id in tenant_ids:
        await settle_status(connection, tenant_id, now)
    return len(tenant_ids)


# The job's row stays locked until the commit, so that nobody takes the job up in between; a shared lock, so that
# what a job does side by side does not wait for each other.
_HELD = select(sync_jobs.c.id).where(*HELD).with_for_update(read=True)


async def require_lease(connection: AsyncConnection, job: JobLease) -> None:
    """Go on only while a job belongs to a lease; it does so until the transaction ends.

    Raises:
        LeaseLost: it does not; nothing may be committed.
    """
    if await one_row(connection, _HELD, job.as_values()) is None:
        raise LeaseLost
