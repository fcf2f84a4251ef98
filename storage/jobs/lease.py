"""Running jobs: a worker claims one, renews its lease while it works, and finishes it.

The attempt number is the fencing token: the worker that takes a job up raises it, and the worker before is shut out.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Update,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs.claimable import OF_ALL, Claimable, is_claimable
from storage.jobs.model import HELD, RENEWED_UNTIL, Job, JobLease, JobStatus, due_at, job_of
from storage.jobs.order import queue_order
from storage.jobs.tenant_status import SETTLED_STATUS, settle_status
from storage.sql import JOB_ID, NOW, TENANT_ID, Id, JsonObject, has_run_out, one_row
from storage.tables import sync_jobs, sync_progress, tenants, unfinished

_TOTALS = bindparam("new_totals", type_=JsonObject)


def _ran_out(job: FromClause) -> ColumnElement[bool]:
    """SQL condition: a running job's lease has expired, by the database's clock."""
    return and_(job.c.status == "running", has_run_out(job.c.lease_until))


_IS_BUSY = bindparam("busy_tenants", expanding=True, type_=Id())
_free, _tenant = sync_jobs.alias("free"), tenants.alias("tenant")
_NEXT = (
    select(_free.c.id)
    .join(_tenant, _tenant.c.id == _free.c.tenant_id)
    .where(unfinished(_free), due_at(_free, _tenant) <= NOW)
    .where(or_(_free.c.status == "queued", _ran_out(_free)), _tenant.c.stopped_at.is_(None))
    .where(_free.c.tenant_id.not_in(_IS_BUSY))
    .where(is_claimable(_tenant))
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
        lease_until=RENEWED_UNTIL,
        started_at=func.coalesce(sync_jobs.c.started_at, NOW),
        updated_at=NOW,
    )
    .returning(sync_jobs)
)
_stopped = select(tenants.c.id).where(tenants.c.stopped_at.is_not(None))
_is_cancelled = and_(_ran_out(sync_jobs), sync_jobs.c.cancel_requested, sync_jobs.c.tenant_id.not_in(_IS_BUSY))
_is_stopped = and_(sync_jobs.c.status == "queued", sync_jobs.c.tenant_id.in_(_stopped))
_END_ABANDONED = (
    update(sync_jobs)
    .where(unfinished(sync_jobs), or_(_is_cancelled, _is_stopped))
    .values(status="cancelled", finished_at=NOW, lease_until=null(), updated_at=NOW)
    .returning(sync_jobs.c.tenant_id)
)


@finish_before_cancel
async def claim(
    db: Database,
    owner: str,
    *,
    now: datetime,
    lease: timedelta,
    busy: Collection[str] = (),
    claimable: Claimable | None = None,
) -> tuple[Job, JobLease] | None:
    """Claim the next job for ``lease``; None where there is none.

    The next job is the one with the earliest rank among those that are waiting and due and those whose lease expired
    because their worker died. Also ends cancelled jobs of dead workers, and jobs of a tenant that was stopped in the
    instant in which they were enqueued.

    Args:
        db: the archive.
        owner: the worker that claims it.
        now: jobs due by then can be claimed.
        lease: how long the lease lasts without being renewed, by the database's clock.
        busy: tenants whose jobs the owner is running. Their jobs are not claimed, even if a lease expired because the
            process or the database stood still: a job never runs twice in one process.
        claimable: of which tenants; None: of all.
    """
    async with db.writing() as connection:
        busy_tenants = list(busy)
        await update_and_settle(connection, _END_ABANDONED, now, busy_tenants=busy_tenants)
        seconds = lease.total_seconds()
        values = {"now": now, "new_owner": owner, "lease_seconds": seconds, "busy_tenants": busy_tenants}
        row = await one_row(connection, _CLAIM, {**values, **(claimable or OF_ALL).as_values()})
        if row is None:
            return None
        job = await _with_what_it_stored(connection, job_of(row))
        await settle_status(connection, job.tenant_id, now)
    return job, JobLease(job_id=job.id, owner=owner, attempt=job.attempt, seconds=seconds)


_STORED = select(func.coalesce(func.sum(sync_progress.c.job_messages), 0)).where(sync_progress.c.last_job_id == JOB_ID)


async def _with_what_it_stored(connection: AsyncConnection, job: Job) -> Job:
    """Correct the figures of a job whose worker died, by the counts that were committed with what it stored."""
    if job.attempt == 1:
        return job
    stored = int((await connection.execute(_STORED, {"job": job.id})).scalar_one())
    counted = job.totals.get("messages")
    if stored <= (counted if isinstance(counted, int) else 0):
        return job
    return replace(job, totals={**job.totals, "messages": stored})


_RENEW = (
    update(sync_jobs)
    .where(*HELD)
    .values(lease_until=RENEWED_UNTIL, totals=_TOTALS, updated_at=NOW)
    .returning(sync_jobs)
)


@finish_before_cancel
async def renew(db: Database, lease: JobLease, *, now: datetime, totals: Mapping[str, JsonValue]) -> Job:
    """Renew a job's lease, and store the job's progress.

    Returns:
        The job's current row; ``cancel_requested`` tells the worker to end it.

    Raises:
        LeaseLost: the lease is another worker's.
    """
    values = {"now": now, "lease_seconds": lease.seconds, "new_totals": dict(totals)}
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


async def update_and_settle(
    connection: AsyncConnection, statement: Update, now: datetime, **values: Collection[str]
) -> int:
    """Run an update of jobs, which returns their tenants' ids, and settle those. Returns how many jobs it changed."""
    tenant_ids = list((await connection.execute(statement, {"now": now, **values})).scalars())
    for tenant_id in tenant_ids:
        await settle_status(connection, tenant_id, now)
    return len(tenant_ids)
