"""Jobs one by one, in lists and in figures: what waits, for how long, and how long syncs take."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.model import Job, JobKind, JobStatus, due_at, job_of
from storage.sql import NOW, PLATFORM, UtcDateTime, all_rows, one_row
from storage.tables import sync_jobs, tenants, unfinished


@finish_before_cancel
async def get_job(db: Database, job_id: str) -> Job | None:
    """Return a job, or None where there is no such one."""
    async with db.reading() as connection:
        row = await one_row(connection, select(sync_jobs).where(sync_jobs.c.id == job_id))
    return None if row is None else job_of(row)


@finish_before_cancel
async def newest_job(db: Database, tenant_id: str) -> Job | None:
    """Return the job that was queued last for a tenant, or None where there was none yet."""
    jobs = await list_jobs(db, tenant_id=tenant_id, limit=1)
    return jobs[0] if jobs else None


@finish_before_cancel
async def list_jobs(
    db: Database,
    *,
    tenant_id: str | None = None,
    status: JobStatus | None = None,
    kind: JobKind | None = None,
    only_finished: bool = False,
    after: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """List jobs, the newest first; with ``after`` those older than that job only."""
    query = select(sync_jobs).order_by(sync_jobs.c.id.desc()).limit(limit)
    if tenant_id is not None:
        query = query.where(sync_jobs.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(sync_jobs.c.status == status.value)
    if kind is not None:
        query = query.where(sync_jobs.c.kind == kind.value)
    if only_finished:
        query = query.where(sync_jobs.c.finished_at.is_not(None))
    if after is not None:
        query = query.where(sync_jobs.c.id < after)
    async with db.reading() as connection:
        return [job_of(row) for row in await all_rows(connection, query)]


_DUE = (
    select(tenants.c.id)
    .where(tenants.c.platform == PLATFORM, tenants.c.sync_status != "disconnected")
    .where(tenants.c.stopped_at.is_(None))
    .where(tenants.c.last_sync_at.is_(None) | (tenants.c.last_sync_at < bindparam("before", type_=UtcDateTime)))
    .where(~select(sync_jobs.c.id).where(sync_jobs.c.tenant_id == tenants.c.id, unfinished(sync_jobs)).exists())
    .order_by(tenants.c.last_sync_at.asc().nulls_first(), tenants.c.id)
)


@finish_before_cancel
async def due_tenants(db: Database, *, platform: str, before: datetime) -> list[str]:
    """List connected tenants that are not stopped, have no unfinished job and were last synced before a time, or never.

    Those that have waited longest come first.
    """
    async with db.reading() as connection:
        return list((await connection.execute(_DUE, {"of_platform": platform, "before": before})).scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """The queue at one moment."""

    waiting: int  # those that are held back among them
    running: int
    oldest_waiting_seconds: float | None  # of those that are due: since it was queued and might have run


_due = due_at(sync_jobs, tenants)
_since = case((_due > sync_jobs.c.queued_at, _due), else_=sync_jobs.c.queued_at)
_is_waiting = (sync_jobs.c.status == "queued") & tenants.c.stopped_at.is_(None)
_FIGURES = (
    select(
        func.count().filter(_is_waiting),
        func.count().filter(sync_jobs.c.status == "running"),
        func.min(_since).filter(_is_waiting, _due <= NOW),
    )
    .select_from(sync_jobs.join(tenants, tenants.c.id == sync_jobs.c.tenant_id))
    .where(unfinished(sync_jobs))
)


@finish_before_cancel
async def queue_figures(db: Database, now: datetime) -> QueueFigures:
    """Count what waits and runs at this moment."""
    async with db.reading() as connection:
        waiting, running, since = (await connection.execute(_FIGURES, {"now": now})).one()
    return QueueFigures(
        waiting=waiting, running=running, oldest_waiting_seconds=(now - since).total_seconds() if since else None
    )


_RUNNING = (
    select(sync_jobs.c.owner, func.count().label("jobs"))
    .where(unfinished(sync_jobs), sync_jobs.c.status == "running", sync_jobs.c.owner.is_not(None))
    .group_by(sync_jobs.c.owner)
)


@finish_before_cancel
async def running_by_owner(db: Database) -> dict[str, int]:
    """Count the running jobs of each process that has any."""
    async with db.reading() as connection:
        return {row["owner"]: row["jobs"] for row in await all_rows(connection, _RUNNING)}


_newer = sync_jobs.alias("newer")
_NEWEST = (
    select(_newer.c.id)
    .where(_newer.c.tenant_id == tenants.c.id)
    .where(_newer.c.kind.in_(["scheduled", "manual"]), _newer.c.status.in_(["succeeded", "partial"]))
    .order_by(_newer.c.id.desc())
    .limit(1)
    .correlate(tenants)
    .scalar_subquery()
)
_LAST_RUNS = (
    select(sync_jobs.c.tenant_id, sync_jobs.c.started_at, sync_jobs.c.finished_at)
    .select_from(tenants.join(sync_jobs, sync_jobs.c.id == _NEWEST))
    .where(tenants.c.id.in_(bindparam("tenant_ids", expanding=True)))
)


@finish_before_cancel
async def last_durations(db: Database, tenant_ids: Collection[str]) -> dict[str, float]:
    """Measure in seconds how long each tenant's newest sync took that was no initial one and read all it could.

    Tenants that have none are left out.
    """
    async with db.reading() as connection:
        rows = await all_rows(connection, _LAST_RUNS, {"tenant_ids": list(tenant_ids)})
    seconds = {row["tenant_id"]: (row["finished_at"] - row["started_at"]).total_seconds() for row in rows}
    return {tenant_id: max(length, 0.0) for tenant_id, length in seconds.items()}  # the clock may have been set back
