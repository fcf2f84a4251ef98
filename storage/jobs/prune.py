"""Delete jobs that ended long ago."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, delete, exists, or_, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import LIMIT, Id, UtcDateTime
from storage.tables import sync_jobs, unfinished

_SLICE = 1_000

_newer = sync_jobs.alias("newer")
_is_newer = and_(_newer.c.tenant_id == sync_jobs.c.tenant_id, _newer.c.id > sync_jobs.c.id)


def _determines_status(job: FromClause) -> ColumnElement[bool]:
    return and_(~unfinished(job), job.c.status != "cancelled")


def _estimates_duration(job: FromClause) -> ColumnElement[bool]:
    return and_(job.c.status.in_(["succeeded", "partial"]), job.c.kind.in_(["scheduled", "manual"]))


_OLD = (
    select(sync_jobs.c.id)
    .where(sync_jobs.c.id < bindparam("before_id", type_=Id), ~unfinished(sync_jobs))
    .where(sync_jobs.c.finished_at < bindparam("ended_before", type_=UtcDateTime))
    .where(exists().where(_is_newer, _determines_status(_newer)))
    .where(or_(~_estimates_duration(sync_jobs), exists().where(_is_newer, _estimates_duration(_newer))))
    .order_by(sync_jobs.c.id)
    .limit(LIMIT)
)
_PRUNE = delete(sync_jobs).where(sync_jobs.c.id.in_(_OLD))


@finish_before_cancel
async def prune_jobs(db: Database, *, ended_before: datetime, limit: int = _SLICE) -> int:
    """Delete jobs that ended before a time, up to ``limit`` of them.

    Each tenant keeps its last job, which determines its status, and its last succeeded or partial sync, by which the
    next one's duration is estimated.

    Returns:
        How many were deleted.
    """
    milliseconds = max(int(ended_before.timestamp() * 1000), 0)  # a time before 1970 has no such id
    before_id = str(UUID(int=milliseconds << 80))  # ids sort by time
    values = {"before_id": before_id, "ended_before": ended_before, "limit": limit}
    async with db.writing() as connection:
        return (await connection.execute(_PRUNE, values)).rowcount
