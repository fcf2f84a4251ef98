"""The queue in figures: how much waits, for how long, and how long syncs take."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.model import due_at
from storage.sql import UtcDateTime, all_rows
from storage.tables import sync_jobs, tenants, unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """The queue at one moment."""

    waiting: int  # those that are held back among them
    running: int
    oldest_waiting_seconds: float | None  # of those that are due: since it was asked for and might have run


_due = due_at(sync_jobs, tenants)
_since = case((_due > sync_jobs.c.queued_at, _due), else_=sync_jobs.c.queued_at)
_is_waiting = (sync_jobs.c.status == "queued") & tenants.c.stopped_at.is_(None)
_FIGURES = (
    select(
        func.count().filter(_is_waiting),
        func.count().filter(sync_jobs.c.status == "running"),
        func.min(_since).filter(_is_waiting, _due <= bindparam("now", type_=UtcDateTime)),
    )
    .select_from(sync_jobs.join(tenants, tenants.c.id == sync_jobs.c.tenant_id))
    .where(unfinished(sync_jobs))
)


@finish_before_cancel
async def queue_figures(db: Database, now: datetime) -> QueueFigures:
    """How long the queue is at this moment."""
    async with db.reading() as connection:
        waiting, running, since = (await connection.execute(_FIGURES, {"now": now})).one()
    return QueueFigures(
        waiting=waiting, running=running, oldest_waiting_seconds=(now - since).total_seconds() if since else None
    )


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
    """How long, in seconds, each tenant's newest sync took that was no initial one and read everything it could.

    Tenants that have none are left out.
    """
    async with db.reading() as connection:
        rows = await all_rows(connection, _LAST_RUNS, {"tenant_ids": list(tenant_ids)})
    return {row["tenant_id"]: (row["finished_at"] - row["started_at"]).total_seconds() for row in rows}
