"""Running jobs go back into the queue: their worker stops, or its time slice is over, or it died."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Update, bindparam, case, null, update

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.lease import update_and_settle, update_held
from storage.jobs.model import HELD, Job, JobLease
from storage.jobs.tenant_status import settle_status
from storage.sql import NOW, JsonObject
from storage.tables import sync_jobs, unfinished

_REQUEUE = update(sync_jobs).values(
    status=case((sync_jobs.c.cancel_requested, "cancelled"), else_="queued"),
    finished_at=case((sync_jobs.c.cancel_requested, NOW), else_=null()),
    lease_until=null(),
    updated_at=NOW,
)
_RELEASE = _REQUEUE.where(*HELD).values(totals=bindparam("new_totals", type_=JsonObject)).returning(sync_jobs)


@finish_before_cancel
async def release(db: Database, lease: JobLease, *, totals: Mapping[str, JsonValue], now: datetime) -> None:
    """Put a job back into the queue: its worker stops, and the next one goes on from its checkpoints.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    await _requeue(db, _RELEASE, lease, totals, now)


_YIELD = _RELEASE.values(run_after=NOW, rank_at=case((sync_jobs.c.rank_at > NOW, sync_jobs.c.rank_at), else_=NOW))


@finish_before_cancel
async def yield_job(db: Database, lease: JobLease, *, totals: Mapping[str, JsonValue], now: datetime) -> Job:
    """Put a job whose time slice is over behind all that wait; the worker that claims it goes on from its checkpoints.

    Returns:
        The job as it is now: queued, or cancelled where that was requested.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    return await _requeue(db, _YIELD, lease, totals, now)


async def _requeue(
    db: Database, statement: Update, lease: JobLease, totals: Mapping[str, JsonValue], now: datetime
) -> Job:
    async with db.writing() as connection:
        job = await update_held(connection, statement, lease, {"new_totals": dict(totals), "now": now})
        await settle_status(connection, job.tenant_id, now)
    return job


_RELEASE_ALL = _REQUEUE.where(unfinished(sync_jobs), sync_jobs.c.status == "running").returning(sync_jobs.c.tenant_id)


@finish_before_cancel
async def release_orphans(db: Database, now: datetime) -> int:
    """Put the running jobs of the process before back into the queue at start, without waiting for their leases.

    On SQLite alone, where this is the only process there can be. On PostgreSQL it does nothing: leases run out.

    Returns:
        How many jobs were running.
    """
    if db.dialect != "sqlite":
        return 0
    async with db.writing() as connection:
        return await update_and_settle(connection, _RELEASE_ALL, now)
