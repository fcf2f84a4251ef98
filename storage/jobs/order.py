"""The order in which waiting jobs are taken up, and where each stands in it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.claimable import OF_ALL, Claimable, is_claimable
from storage.jobs.model import Job, due_at, job_of
from storage.sql import JOB_ID, NOW, all_rows
from storage.tables import sync_jobs, tenants, unfinished


def queue_order(job: FromClause, tenant: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Order jobs as they are claimed at the parameter ``now``: due ones by rank, then the others by when they are due.

    Of jobs with equal rank, one that has not run yet comes before one that was preempted.
    """
    due, rank = due_at(job, tenant), job.c.rank_at
    is_held = due > NOW
    return is_held, case((is_held, due), else_=rank), due, rank, job.c.attempt, job.c.id


# Of a stopped tenant no job waits; one that slipped in is ended by the next claim.
_IS_WAITING = and_(unfinished(sync_jobs), sync_jobs.c.status == "queued", tenants.c.stopped_at.is_(None))
_JOBS = sync_jobs.join(tenants, tenants.c.id == sync_jobs.c.tenant_id)
_WAITING = (
    select(sync_jobs.c.id, func.row_number().over(order_by=queue_order(sync_jobs, tenants)).label("position"))
    .select_from(_JOBS)
    .where(_IS_WAITING)
    .subquery("waiting")
)
_POSITION = select(_WAITING.c.position).where(_WAITING.c.id == JOB_ID)


@finish_before_cancel
async def queue_position(db: Database, job: Job, *, now: datetime | None = None) -> int | None:
    """Count the waiting jobs up to this one: 1 is the next. None where it does not wait any more.

    A job that is held back counts behind all that are due at ``now``; without it, at this moment.
    """
    values = {"job": job.id, "now": now or datetime.now(UTC)}
    async with db.reading() as connection:
        return (await connection.execute(_POSITION, values)).scalar_one_or_none()


_QUEUE = (
    select(sync_jobs, _WAITING.c.position)
    .select_from(sync_jobs.outerjoin(_WAITING, _WAITING.c.id == sync_jobs.c.id))
    .where(unfinished(sync_jobs), or_(sync_jobs.c.status == "running", _WAITING.c.position.is_not(None)))
    .order_by(_WAITING.c.position.asc().nulls_first(), sync_jobs.c.started_at, sync_jobs.c.id)
)


@finish_before_cancel
async def queue(
    db: Database, *, now: datetime, limit: int | None = None, offset: int = 0
) -> list[tuple[Job, int | None]]:
    """List the running jobs, the one that started first at the top; then the waiting ones, with their positions."""
    query = _QUEUE.limit(limit).offset(offset)
    async with db.reading() as connection:
        return [(job_of(row), row["position"]) for row in await all_rows(connection, query, {"now": now})]


_DUE = select(sync_jobs.c.id).select_from(_JOBS).where(_IS_WAITING, due_at(sync_jobs, tenants) <= NOW)
_HAS_DUE = select(_DUE.where(is_claimable(tenants)).exists())


@finish_before_cancel
async def has_due_jobs(db: Database, now: datetime, *, claimable: Claimable | None = None) -> bool:
    """Return whether a job of some tenants (None: of all) could be claimed now."""
    async with db.reading() as connection:
        values = {"now": now, **(claimable or OF_ALL).as_values()}
        return bool((await connection.execute(_HAS_DUE, values)).scalar_one())
