"""Requesting a sync, and cancelling one."""

import itertools
import secrets
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, case, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import DatabaseBusy, TenantStopped, UnknownTenant
from storage.jobs.model import Job, JobKind, JobStatus, job_of
from storage.jobs.tenant_status import settle_status
from storage.sql import JOB_ID, NOW, TENANT_ID, UtcDateTime, insert, one_row
from storage.tables import IS_UNFINISHED, sync_jobs, tenants, unfinished

PRIORITIES = {JobKind.AUDIT: -10, JobKind.SCHEDULED: 0, JobKind.INITIAL: 10, JobKind.MANUAL: 20}
"""A person waits for a manual one; a new community should not stand behind the hour's routine; an audit is long and
never urgent."""

_TENANT = select(tenants.c.not_before, tenants.c.stopped_at).where(tenants.c.id == TENANT_ID)
_INSERT = (
    insert(sync_jobs)
    .on_conflict_do_nothing(index_elements=["tenant_id"], index_where=IS_UNFINISHED)
    .returning(sync_jobs)
)
_UNFINISHED = select(sync_jobs).where(sync_jobs.c.tenant_id == TENANT_ID, unfinished(sync_jobs))

_PRIORITY = bindparam("least_priority", type_=Integer)
_DUE = bindparam("due", type_=UtcDateTime)
_LATEST = datetime.max.replace(tzinfo=UTC)
_PULL_FORWARD = (
    update(sync_jobs)
    .where(sync_jobs.c.tenant_id == TENANT_ID, unfinished(sync_jobs), sync_jobs.c.status == "queued")
    .where(or_(sync_jobs.c.priority < _PRIORITY, sync_jobs.c.run_after > _DUE))
    .values(
        priority=case((sync_jobs.c.priority < _PRIORITY, _PRIORITY), else_=sync_jobs.c.priority),
        run_after=case((sync_jobs.c.run_after > _DUE, _DUE), else_=sync_jobs.c.run_after),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def enqueue(
    db: Database, tenant_id: str, kind: JobKind, *, now: datetime, run_after: datetime | None = None
) -> tuple[Job, bool]:
    """Queue a sync of a tenant. True where a job was made, False where it has an unfinished one, which is returned.

    A manual request puts a waiting job in front and makes it due now. No job is due before the platform lets us
    (``defer_until``), a manual one neither: the platform would only refuse it again.

    Raises:
        UnknownTenant: there is no such tenant.
        TenantStopped: its administrator wants no syncs.
    """
    async with db.writing() as connection:
        tenant = await one_row(connection, _TENANT, {"tenant": tenant_id})
        if tenant is None:
            raise UnknownTenant(f"No tenant {tenant_id} is stored.")
        if tenant["stopped_at"] is not None:
            raise TenantStopped(f"The syncs of {tenant_id} are stopped.")
        due = max(run_after or now, tenant["not_before"] or now)
        for _ in range(3):  # the unfinished job may finish between the two statements
            if (job := await _insert(connection, _new_job(tenant_id, kind, due, now))) is not None:
                return job, True
            await connection.execute(_PULL_FORWARD, _forward(tenant_id, kind, due, now))
            found = await one_row(connection, _UNFINISHED, {"tenant": tenant_id})
            if found is not None:
                return job_of(found), False
    raise DatabaseBusy(f"The jobs of {tenant_id} change too fast.")


def _forward(tenant_id: str, kind: JobKind, due: datetime, now: datetime) -> dict[str, object]:
    """Put what is queued in front and make it due for a person who waits; lift it to the routine's place for a tick."""
    if kind is JobKind.MANUAL:
        return {"tenant": tenant_id, "least_priority": PRIORITIES[kind], "due": due, "now": now}
    priority = min(PRIORITIES[kind], PRIORITIES[JobKind.SCHEDULED])
    return {"tenant": tenant_id, "least_priority": priority, "due": _LATEST, "now": now}


async def _insert(connection: AsyncConnection, row: dict[str, object]) -> Job | None:
    made = await one_row(connection, _INSERT, row)
    if made is None:
        return None
    job = job_of(made)
    await settle_status(connection, job.tenant_id, job.queued_at)
    return job


def _new_job(tenant_id: str, kind: JobKind, due: datetime, now: datetime) -> dict[str, object]:
    return {
        "id": _new_job_id(now),
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


_sequence = itertools.count()


def _new_job_id(now: datetime) -> str:
    """Make an id that sorts by time, a version 7 UUID (RFC 9562, section 5.7).

    Of two made by one process in one millisecond the later sorts later.
    """
    milliseconds = int(now.timestamp() * 1000)
    sequence = next(_sequence) & 0xFFF
    value = milliseconds << 80 | 0x7 << 76 | sequence << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(UUID(int=value))


_is_queued = sync_jobs.c.status == "queued"
CANCEL = (
    update(sync_jobs)
    .where(unfinished(sync_jobs))
    .values(
        status=case((_is_queued, "cancelled"), else_=sync_jobs.c.status),
        finished_at=case((_is_queued, NOW), else_=None),
        cancel_requested=true(),
        updated_at=NOW,
    )
)
"""End jobs that wait, and have the workers of those that run end them."""

_CANCEL_ONE = CANCEL.where(sync_jobs.c.id == JOB_ID).returning(sync_jobs)
_FIND = select(sync_jobs).where(sync_jobs.c.id == JOB_ID)


@finish_before_cancel
async def cancel(db: Database, job_id: str, now: datetime) -> Job | None:
    """Cancel a job: a waiting one at once, a running one when its worker next calls ``renew``.

    Returns:
        The job as it is now, unchanged where it had ended; None where there is no such job.
    """
    async with db.writing() as connection:
        row = await one_row(connection, _CANCEL_ONE, {"job": job_id, "now": now})
        if row is None:
            ended = await one_row(connection, _FIND, {"job": job_id})
            return None if ended is None else job_of(ended)
        await settle_status(connection, row["tenant_id"], now)
        return job_of(row)
