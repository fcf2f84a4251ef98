"""The queue of syncs: at most one unfinished job a tenant, each run by one worker that holds a lease on it.

Every change of a job brings its tenant's status along, in the same transaction. Here are the questions that can be
asked of the queue; what changes it is in ``job_queue`` and ``job_leases`` and can be had from here.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, or_, select

from storage.database import Database
from storage.job_leases import claim, finish, release, release_orphans, renew
from storage.job_queue import cancel, enqueue
from storage.job_rows import Job, JobKind, JobLease, JobStatus, due_at, job_of
from storage.rows import all_rows, one_row
from storage.tables import sync_jobs, tenants, unfinished
from storage.uninterrupted import uninterrupted

__all__ = [
    "Job",
    "JobKind",
    "JobLease",
    "JobStatus",
    "cancel",
    "claim",
    "due_tenants",
    "enqueue",
    "finish",
    "get_job",
    "list_jobs",
    "newest_job",
    "queue_position",
    "release",
    "release_orphans",
    "renew",
]


@uninterrupted
async def get_job(db: Database, job_id: str) -> Job | None:
    """The job, or None where there is no such one."""
    async with db.reading() as connection:
        row = await one_row(connection, select(sync_jobs).where(sync_jobs.c.id == job_id))
    return None if row is None else job_of(row)


@uninterrupted
async def newest_job(db: Database, tenant_id: str) -> Job | None:
    """The job that was queued last for a tenant, or None where there was none yet."""
    jobs = await list_jobs(db, tenant_id=tenant_id, limit=1)
    return jobs[0] if jobs else None


@uninterrupted
async def list_jobs(
    db: Database,
    *,
    tenant_id: str | None = None,
    status: JobStatus | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """Jobs, the newest first; with ``after`` those older than that job only."""
    query = select(sync_jobs).order_by(sync_jobs.c.id.desc()).limit(limit)
    if tenant_id is not None:
        query = query.where(sync_jobs.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(sync_jobs.c.status == status.value)
    if after is not None:
        query = query.where(sync_jobs.c.id < after)
    async with db.reading() as connection:
        return [job_of(row) for row in await all_rows(connection, query)]


def _not_behind(
    job: FromClause, tenant: FromClause, other: FromClause, other_tenant: FromClause
) -> ColumnElement[bool]:
    """Whether the queue serves ``job`` before ``other``, or they are the same: the order of ``claim``."""
    due, other_due = due_at(job, tenant), due_at(other, other_tenant)
    is_earlier = or_(due < other_due, and_(due == other_due, job.c.id <= other.c.id))
    return or_(job.c.priority > other.c.priority, and_(job.c.priority == other.c.priority, is_earlier))


_mine, _my_tenant = sync_jobs.alias("mine"), tenants.alias("my_tenant")
_POSITION = (
    select(func.count())
    .select_from(sync_jobs.join(tenants, tenants.c.id == sync_jobs.c.tenant_id))
    .where(sync_jobs.c.status == "queued", unfinished(sync_jobs))
    .where(_mine.c.id == bindparam("job_id"), _mine.c.status == "queued", _my_tenant.c.id == _mine.c.tenant_id)
    .where(_not_behind(sync_jobs, tenants, _mine, _my_tenant))
)


@uninterrupted
async def queue_position(db: Database, job: Job) -> int | None:
    """How many waiting jobs there are up to this one: 1 is the next. None where it does not wait any more."""
    async with db.reading() as connection:
        return (await connection.execute(_POSITION, {"job_id": job.id})).scalar_one() or None


_DUE = (
    select(tenants.c.id)
    .where(tenants.c.platform == bindparam("platform"), tenants.c.sync_status != "disconnected")
    .where(tenants.c.last_sync_at.is_(None) | (tenants.c.last_sync_at < bindparam("before")))
    .where(~select(sync_jobs.c.id).where(sync_jobs.c.tenant_id == tenants.c.id, unfinished(sync_jobs)).exists())
    .order_by(tenants.c.last_sync_at.asc().nulls_first(), tenants.c.id)
)


@uninterrupted
async def due_tenants(db: Database, *, platform: str, before: datetime) -> list[str]:
    """Connected tenants that have no unfinished job and were last synced before a time, or never.

    Those that have waited longest come first.
    """
    async with db.reading() as connection:
        return list((await connection.execute(_DUE, {"platform": platform, "before": before})).scalars())
