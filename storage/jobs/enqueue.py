"""Requesting a sync, and cancelling one."""

import itertools
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import DatabaseBusy, TenantStopped, UnknownTenant
from storage.jobs.model import LONGEST_WAIT, Job, JobKind, JobStatus, job_of
from storage.jobs.tenant_status import settle_status
from storage.sql import JOB_ID, NOW, TENANT_ID, UtcDateTime, insert, one_row
from storage.tables import IS_UNFINISHED, sync_jobs, tenants, unfinished

_HEAD_STARTS = {
    JobKind.MANUAL: timedelta(minutes=10),  # a person waits for the result
    JobKind.INITIAL: timedelta(minutes=5),  # a new community should not wait behind the hourly syncs
    JobKind.SCHEDULED: timedelta(),
    JobKind.AUDIT: timedelta(hours=-1),  # it is long and never urgent
}

_TENANT = select(tenants.c.not_before, tenants.c.stopped_at, tenants.c.last_sync_at).where(tenants.c.id == TENANT_ID)
_INSERT = (
    insert(sync_jobs)
    .on_conflict_do_nothing(index_elements=["tenant_id"], index_where=IS_UNFINISHED)
    .returning(sync_jobs)
)
_NEWEST = select(func.max(sync_jobs.c.id)).where(sync_jobs.c.tenant_id == TENANT_ID)
_UNFINISHED = select(sync_jobs).where(sync_jobs.c.tenant_id == TENANT_ID, unfinished(sync_jobs))

_RANK = bindparam("latest_rank", type_=UtcDateTime)
_DUE = bindparam("due", type_=UtcDateTime)
_PULL_FORWARD = (
    update(sync_jobs)
    .where(sync_jobs.c.tenant_id == TENANT_ID, unfinished(sync_jobs), sync_jobs.c.status == "queued")
    .where(or_(sync_jobs.c.rank_at > _RANK, sync_jobs.c.run_after > _DUE))
    .values(
        rank_at=case((sync_jobs.c.rank_at > _RANK, _RANK), else_=sync_jobs.c.rank_at),
        run_after=case((sync_jobs.c.run_after > _DUE, _DUE), else_=sync_jobs.c.run_after),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def enqueue(
    db: Database, tenant_id: str, kind: JobKind, *, now: datetime, run_after: datetime | None = None
) -> tuple[Job, bool]:
    """Enqueue a sync of a tenant; return its unfinished job instead where it has one. True where a job was created.

    A waiting job is moved forward to the rank of the new one. No job is due before the platform's requested wait is
    over (``defer_until``), not even a manual one: the platform would refuse it again.

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
        due = max(run_after or now, min(tenant["not_before"] or now, now + LONGEST_WAIT))
        rank = _rank_at(kind, due, tenant["last_sync_at"])
        newest = (await connection.execute(_NEWEST, {"tenant": tenant_id})).scalar_one()
        row = _new_job(_new_job_id(now, newest), tenant_id, kind, due, rank, now)
        for _ in range(3):  # the unfinished job may finish between the two statements
            if (job := await _insert(connection, row)) is not None:
                return job, True
            forward = {"tenant": tenant_id, "latest_rank": rank, "due": due, "now": now}
            await connection.execute(_PULL_FORWARD, forward)
            found = await one_row(connection, _UNFINISHED, {"tenant": tenant_id})
            if found is not None:
                return job_of(found), False
    raise DatabaseBusy(f"The jobs of {tenant_id} change too fast.")


def _rank_at(kind: JobKind, due: datetime, last_sync_at: datetime | None) -> datetime:
    """Compute the rank of a job among due ones: the time at which it became due, less the head start of its kind.

    The rank is a time, so that a waiting job moves forward whatever is enqueued later. It is not earlier than the
    tenant's last sync, so that a tenant with frequent manual syncs takes turns with the others.
    """
    rank = due - _HEAD_STARTS[kind]
    return rank if last_sync_at is None else max(rank, min(last_sync_at, due))


async def _insert(connection: AsyncConnection, row: dict[str, object]) -> Job | None:
    made = await one_row(connection, _INSERT, row)
    if made is None:
        return None
    job = job_of(made)
    await settle_status(connection, job.tenant_id, job.queued_at)
    return job


def _new_job(
    job_id: str, tenant_id: str, kind: JobKind, due: datetime, rank: datetime, now: datetime
) -> dict[str, object]:
    return {
        "id": job_id,
        "tenant_id": tenant_id,
        "kind": kind.value,
        "status": JobStatus.QUEUED.value,
        "priority": 0,
        "attempt": 0,
        "run_after": due,
        "rank_at": rank,
        "cancel_requested": False,
        "queued_at": now,
        "totals": {},
        "created_at": now,
        "updated_at": now,
    }


_sequence = itertools.count()


def _new_job_id(now: datetime, newest: str | None) -> str:
    """Create an id that sorts by time, a version 7 UUID (RFC 9562, section 5.7), beyond the tenant's newest one.

    Ids that one process creates within one millisecond sort in their order. A clock that was set back must not make a
    new job sort before older ones, since a tenant's status is that of its last job.
    """
    milliseconds = max(int(now.timestamp() * 1000), (UUID(newest).int >> 80) + 1 if newest else 0)
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
