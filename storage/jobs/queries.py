"""The queue of syncs: at most one unfinished job a tenant, each run by one worker that holds a lease on it.

Every change of a job brings its tenant's status along, in the same transaction. Here are the questions that can be
asked of jobs; those about their order and their figures are in ``job_order`` and ``job_figures``, what changes them is
in ``job_queue``, ``job_leases`` and ``job_releasing``, and all can be had from here.
"""

from datetime import datetime

from sqlalchemy import bindparam, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.model import Job, JobKind, JobStatus, job_of
from storage.sql import all_rows, one_row
from storage.tables import sync_jobs, tenants, unfinished


@finish_before_cancel
async def get_job(db: Database, job_id: str) -> Job | None:
    """The job, or None where there is no such one."""
    async with db.reading() as connection:
        row = await one_row(connection, select(sync_jobs).where(sync_jobs.c.id == job_id))
    return None if row is None else job_of(row)


@finish_before_cancel
async def newest_job(db: Database, tenant_id: str) -> Job | None:
    """The job that was queued last for a tenant, or None where there was none yet."""
    jobs = await list_jobs(db, tenant_id=tenant_id, limit=1)
    return jobs[0] if jobs else None


@finish_before_cancel
async def list_jobs(
    db: Database,
    *,
    tenant_id: str | None = None,
    status: JobStatus | None = None,
    kind: JobKind | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """Jobs, the newest first; with ``after`` those older than that job only."""
    query = select(sync_jobs).order_by(sync_jobs.c.id.desc()).limit(limit)
    if tenant_id is not None:
        query = query.where(sync_jobs.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(sync_jobs.c.status == status.value)
    if kind is not None:
        query = query.where(sync_jobs.c.kind == kind.value)
    if after is not None:
        query = query.where(sync_jobs.c.id < after)
    async with db.reading() as connection:
        return [job_of(row) for row in await all_rows(connection, query)]


_DUE = (
    select(tenants.c.id)
    .where(tenants.c.platform == bindparam("platform"), tenants.c.sync_status != "disconnected")
    .where(tenants.c.stopped_at.is_(None))
    .where(tenants.c.last_sync_at.is_(None) | (tenants.c.last_sync_at < bindparam("before")))
    .where(~select(sync_jobs.c.id).where(sync_jobs.c.tenant_id == tenants.c.id, unfinished(sync_jobs)).exists())
    .order_by(tenants.c.last_sync_at.asc().nulls_first(), tenants.c.id)
)


@finish_before_cancel
async def due_tenants(db: Database, *, platform: str, before: datetime) -> list[str]:
    """Connected tenants that are not stopped, have no unfinished job and were last synced before a time, or never.

    Those that have waited longest come first.
    """
    async with db.reading() as connection:
        return list((await connection.execute(_DUE, {"platform": platform, "before": before})).scalars())
