"""Asking for a sync, and calling one off."""

from datetime import UTC, datetime

from sqlalchemy import bindparam, case, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import DatabaseBusy, TenantStopped, UnknownTenant
from storage.jobs.ids import new_job_id
from storage.jobs.model import Job, JobKind, JobStatus, job_of
from storage.jobs.tenant_status import SETTLE
from storage.sql import UtcDateTime, insert, one_row
from storage.tables import IS_UNFINISHED, sync_jobs, tenants, unfinished

PRIORITIES = {JobKind.AUDIT: -10, JobKind.SCHEDULED: 0, JobKind.INITIAL: 10, JobKind.MANUAL: 20}
"""Somebody waits for a manual one; a new community should not stand behind the hour's routine; an audit is long and
never urgent."""

_TENANT = select(tenants.c.not_before, tenants.c.stopped_at).where(tenants.c.id == bindparam("tenant_id"))
_INSERT = (
    insert(sync_jobs)
    .on_conflict_do_nothing(index_elements=["tenant_id"], index_where=IS_UNFINISHED)
    .returning(sync_jobs)
)
_UNFINISHED_OF = select(sync_jobs).where(sync_jobs.c.tenant_id == bindparam("tenant_id"), unfinished(sync_jobs))

_URGENT = bindparam("priority", type_=Integer)
_AT = bindparam("at", type_=UtcDateTime)
_LATEST = datetime.max.replace(tzinfo=UTC)
_PULL_FORWARD = (
    update(sync_jobs)
    .where(sync_jobs.c.tenant_id == bindparam("of_tenant"), unfinished(sync_jobs), sync_jobs.c.status == "queued")
    .where(or_(sync_jobs.c.priority < _URGENT, sync_jobs.c.run_after > _AT))
    .values(
        priority=case((sync_jobs.c.priority < _URGENT, _URGENT), else_=sync_jobs.c.priority),
        run_after=case((sync_jobs.c.run_after > _AT, _AT), else_=sync_jobs.c.run_after),
        updated_at=bindparam("now"),
    )
)


@finish_before_cancel
async def enqueue(
    db: Database, tenant_id: str, kind: JobKind, *, now: datetime, run_after: datetime | None = None
) -> tuple[Job, bool]:
    """Ask for a sync of a tenant. True where a job was made, False where it has an unfinished one, which is returned.

    A manual request puts a waiting job in front and makes it due now. No job is due before the platform lets us
    (``defer_until``), a manual one neither: it would only be told off again.

    Raises:
        UnknownTenant: there is no such tenant.
        TenantStopped: its administrator wants no syncs.
    """
    async with db.writing() as connection:
        tenant = await one_row(connection, _TENANT, {"tenant_id": tenant_id})
        if tenant is None:
            raise UnknownTenant(f"No tenant {tenant_id} is stored.")
        if tenant["stopped_at"] is not None:
            raise TenantStopped(f"The syncs of {tenant_id} are stopped.")
        due = max(run_after or now, tenant["not_before"] or now)
        for _ in range(3):  # the unfinished job may finish between the two statements
            if (job := await _insert(connection, _new_job(tenant_id, kind, due, now))) is not None:
                return job, True
            await connection.execute(_PULL_FORWARD, _forward(tenant_id, kind, due, now))
            found = await one_row(connection, _UNFINISHED_OF, {"tenant_id": tenant_id})
            if found is not None:
                return job_of(found), False
    raise DatabaseBusy(f"The jobs of {tenant_id} change too fast.")


def _forward(tenant_id: str, kind: JobKind, due: datetime, now: datetime) -> dict[str, object]:
    """Somebody who waits puts what is queued in front and makes it due; a tick only lifts an audit to its own place."""
    if kind is JobKind.MANUAL:
        return {"of_tenant": tenant_id, "priority": PRIORITIES[kind], "at": due, "now": now}
    priority = min(PRIORITIES[kind], PRIORITIES[JobKind.SCHEDULED])
    return {"of_tenant": tenant_id, "priority": priority, "at": _LATEST, "now": now}


async def _insert(connection: AsyncConnection, row: dict[str, object]) -> Job | None:
    made = await one_row(connection, _INSERT, row)
    if made is None:
        return None
    await connection.execute(SETTLE, {"tenant_id": row["tenant_id"], "now": row["queued_at"]})
    return job_of(made)


def _new_job(tenant_id: str, kind: JobKind, due: datetime, now: datetime) -> dict[str, object]:
    return {
        "id": new_job_id(now),
        "tenant_id": tenant_id,
        "kind": kind.value,
        "status": JobStatus.QUEUED.value,
        "priority": PRIORITIES[kind],
        "attempt": 0,
        "run_after": due,
        "cancel_requested": False,
        "queued_at": now,
        "totals": {},
        "created_at": now,
        "updated_at": now,
    }


_is_waiting = sync_jobs.c.status == "queued"
CANCEL = (
    update(sync_jobs)
    .where(unfinished(sync_jobs))
    .values(
        status=case((_is_waiting, "cancelled"), else_=sync_jobs.c.status),
        finished_at=case((_is_waiting, bindparam("now", type_=UtcDateTime)), else_=None),
        cancel_requested=true(),
        updated_at=bindparam("now"),
    )
)
"""End jobs that wait, and have the workers of those that run told."""

_CANCEL = CANCEL.where(sync_jobs.c.id == bindparam("job_id")).returning(sync_jobs)
_FIND = select(sync_jobs).where(sync_jobs.c.id == bindparam("job_id"))


@finish_before_cancel
async def cancel(db: Database, job_id: str, now: datetime) -> Job | None:
    """Call a job off. A waiting one is cancelled at once; a running one's worker is told by ``renew``.

    Returns:
        The job as it is now, unchanged where it had ended; None where there is no such job.
    """
    async with db.writing() as connection:
        row = await one_row(connection, _CANCEL, {"job_id": job_id, "now": now})
        if row is None:
            ended = await one_row(connection, _FIND, {"job_id": job_id})
            return None if ended is None else job_of(ended)
        await connection.execute(SETTLE, {"tenant_id": row["tenant_id"], "now": now})
        return job_of(row)
