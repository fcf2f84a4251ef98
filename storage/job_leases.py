"""Running jobs: a worker claims one, renews its lease while it works, and finishes it.

The attempt number is the fencing token: whoever takes a job up raises it, and the worker before is shut out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Update, bindparam, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import JsonValue
from storage.database import Database
from storage.errors import LeaseLost
from storage.job_rows import HELD, Job, JobLease, JobStatus, due_at, job_of
from storage.rows import one_row
from storage.tables import sync_jobs, tenants, unfinished
from storage.tenant_status import SETTLE, SETTLED_STATUS
from storage.types import JsonObject, UtcDateTime
from storage.uninterrupted import uninterrupted

_NOW = bindparam("now", type_=UtcDateTime)

_free, _tenant = sync_jobs.alias("free"), tenants.alias("tenant")
_due = due_at(_free, _tenant)
_NEXT = (
    select(_free.c.id)
    .join(_tenant, _tenant.c.id == _free.c.tenant_id)
    .where(unfinished(_free), _due <= _NOW)
    .where(or_(_free.c.status == "queued", _free.c.lease_until < _NOW))
    .order_by(_free.c.priority.desc(), _due, _free.c.id)
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
        lease_until=bindparam("until"),
        started_at=func.coalesce(sync_jobs.c.started_at, _NOW),
        updated_at=_NOW,
    )
    .returning(sync_jobs)
)
_END_ABANDONED = (
    update(sync_jobs)
    .where(unfinished(sync_jobs), sync_jobs.c.status == "running")
    .where(sync_jobs.c.lease_until < _NOW, sync_jobs.c.cancel_requested)
    .values(status="cancelled", finished_at=_NOW, lease_until=null(), updated_at=_NOW)
    .returning(sync_jobs.c.tenant_id)
)


@uninterrupted
async def claim(db: Database, owner: str, *, now: datetime, lease: timedelta) -> tuple[Job, JobLease] | None:
    """Take up the next job for ``lease``, or None where there is nothing to do.

    Next is a waiting job that is due, or a running one whose lease ran out because its worker died: the highest
    priority first, then the one that has been due longest. Called-off jobs of dead workers are ended on the way.
    """
    async with db.writing() as connection:
        await _update_and_settle(connection, _END_ABANDONED, now)
        values = {"now": now, "until": now + lease, "new_owner": owner}
        row = await one_row(connection, _CLAIM, values)
        if row is None:
            return None
        job = job_of(row)
        await connection.execute(SETTLE, {"tenant_id": job.tenant_id, "now": now})
    return job, JobLease(job_id=job.id, owner=owner, attempt=job.attempt)


_RENEW = (
    update(sync_jobs)
    .where(*HELD)
    .values(lease_until=bindparam("until"), totals=bindparam("new_totals"), updated_at=_NOW)
    .returning(sync_jobs)
)


@uninterrupted
async def renew(
    db: Database, lease: JobLease, *, now: datetime, extend: timedelta, totals: Mapping[str, JsonValue]
) -> Job:
    """Keep a job for ``extend`` from now, and tell how far it is.

    Returns:
        The job as it is now; its ``cancel_requested`` says whether the worker should end it.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    values = {"now": now, "until": now + extend, "new_totals": dict(totals)}
    async with db.writing() as connection:
        return await _update_held(connection, _RENEW, lease, values)


_FINISH = (
    update(sync_jobs)
    .where(*HELD)
    .values(
        status=bindparam("end"),
        finished_at=_NOW,
        lease_until=null(),
        totals=bindparam("new_totals"),
        error=bindparam("new_error", type_=JsonObject),
        updated_at=_NOW,
    )
    .returning(sync_jobs)
)
_END = bindparam("end", type_=Text)
_TELL_TENANT = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"))
    .values(
        last_sync_at=case((_END != "cancelled", _NOW), else_=tenants.c.last_sync_at),
        last_successful_sync_at=case((_END == "succeeded", _NOW), else_=tenants.c.last_successful_sync_at),
        sync_status=case((tenants.c.sync_status == "disconnected", "disconnected"), else_=SETTLED_STATUS),
        updated_at=_NOW,
    )
)


@uninterrupted
async def finish(
    db: Database,
    lease: JobLease,
    *,
    status: JobStatus,
    totals: Mapping[str, JsonValue],
    error: Mapping[str, JsonValue] | None,
    now: datetime,
) -> Job:
    """End a job and tell its tenant.

    ``last_sync_at`` moves at every end but ``cancelled``, ``last_successful_sync_at`` at ``succeeded`` alone.

    Raises:
        LeaseLost: the job is not this worker's any more; nothing was written.
    """
    if not status.is_end:
        raise ValueError(f"{status} is not an end")
    values = {"end": status.value, "new_totals": dict(totals), "new_error": dict(error) if error else None, "now": now}
    async with db.writing() as connection:
        job = await _update_held(connection, _FINISH, lease, values)
        await connection.execute(_TELL_TENANT, {"tenant_id": job.tenant_id, "end": status.value, "now": now})
    return job


_BACK_TO_THE_QUEUE = update(sync_jobs).values(
    status=case((sync_jobs.c.cancel_requested, "cancelled"), else_="queued"),
    finished_at=case((sync_jobs.c.cancel_requested, _NOW), else_=null()),
    lease_until=null(),
    updated_at=_NOW,
)
_RELEASE = _BACK_TO_THE_QUEUE.where(*HELD).values(totals=bindparam("new_totals")).returning(sync_jobs)


@uninterrupted
async def release(db: Database, lease: JobLease, *, totals: Mapping[str, JsonValue], now: datetime) -> None:
    """Put a job back into the queue: its worker stops, and whoever claims it goes on from its checkpoints.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    async with db.writing() as connection:
        job = await _update_held(connection, _RELEASE, lease, {"new_totals": dict(totals), "now": now})
        await connection.execute(SETTLE, {"tenant_id": job.tenant_id, "now": now})


_RELEASE_ALL = _BACK_TO_THE_QUEUE.where(unfinished(sync_jobs), sync_jobs.c.status == "running").returning(
    sync_jobs.c.tenant_id
)


@uninterrupted
async def release_orphans(db: Database, now: datetime) -> int:
    """At start: put the running jobs of the process before back into the queue, without waiting for their leases.

    On SQLite alone, where this is the only process there can be. On PostgreSQL it does nothing: leases run out.

    Returns:
        How many jobs were running.
    """
    if db.dialect != "sqlite":
        return 0
    async with db.writing() as connection:
        return await _update_and_settle(connection, _RELEASE_ALL, now)


async def _update_held(
    connection: AsyncConnection, statement: Update, lease: JobLease, values: Mapping[str, object]
) -> Job:
    row = await one_row(connection, statement, {**values, **lease.as_values()})
    if row is None:
        raise LeaseLost
    return job_of(row)


async def _update_and_settle(connection: AsyncConnection, statement: Update, now: datetime) -> int:
    tenant_ids = list((await connection.execute(statement, {"now": now})).scalars())
    for tenant_id in tenant_ids:
        await connection.execute(SETTLE, {"tenant_id": tenant_id, "now": now})
    return len(tenant_ids)
