"""Running jobs go back into the queue: their worker stops, or has had its turn, or is no more."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Update, bindparam, case, null, update

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs.enqueue import PRIORITIES
from storage.jobs.model import HELD, Job, JobKind, JobLease
from storage.jobs.tenant_status import SETTLE
from storage.jobs.updates import update_and_settle, update_held
from storage.sql import UtcDateTime
from storage.tables import sync_jobs, unfinished

_NOW = bindparam("now", type_=UtcDateTime)

_BACK_TO_THE_QUEUE = update(sync_jobs).values(
    status=case((sync_jobs.c.cancel_requested, "cancelled"), else_="queued"),
    finished_at=case((sync_jobs.c.cancel_requested, _NOW), else_=null()),
    lease_until=null(),
    updated_at=_NOW,
)
_RELEASE = _BACK_TO_THE_QUEUE.where(*HELD).values(totals=bindparam("new_totals")).returning(sync_jobs)


@finish_before_cancel
async def release(db: Database, lease: JobLease, *, totals: Mapping[str, JsonValue], now: datetime) -> None:
    """Put a job back into the queue: its worker stops, and whoever claims it goes on from its checkpoints.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    await _put_back(db, _RELEASE, lease, totals, now)


_ORDINARY = PRIORITIES[JobKind.SCHEDULED]
_STEP_ASIDE = _RELEASE.values(
    run_after=_NOW, priority=case((sync_jobs.c.priority > _ORDINARY, _ORDINARY), else_=sync_jobs.c.priority)
)


@finish_before_cancel
async def yield_job(db: Database, lease: JobLease, *, totals: Mapping[str, JsonValue], now: datetime) -> Job:
    """Put a job that has had its turn behind everybody who waits; whoever claims it goes on from its checkpoints.

    Returns:
        The job as it is now: queued, or cancelled where that was asked for.

    Raises:
        LeaseLost: it is not this worker's any more.
    """
    return await _put_back(db, _STEP_ASIDE, lease, totals, now)


async def _put_back(
    db: Database, statement: Update, lease: JobLease, totals: Mapping[str, JsonValue], now: datetime
) -> Job:
    async with db.writing() as connection:
        job = await update_held(connection, statement, lease, {"new_totals": dict(totals), "now": now})
        await connection.execute(SETTLE, {"tenant_id": job.tenant_id, "now": now})
    return job


_RELEASE_ALL = _BACK_TO_THE_QUEUE.where(unfinished(sync_jobs), sync_jobs.c.status == "running").returning(
    sync_jobs.c.tenant_id
)


@finish_before_cancel
async def release_orphans(db: Database, now: datetime) -> int:
    """At start: put the running jobs of the process before back into the queue, without waiting for their leases.

    On SQLite alone, where this is the only process there can be. On PostgreSQL it does nothing: leases run out.

    Returns:
        How many jobs were running.
    """
    if db.dialect != "sqlite":
        return 0
    async with db.writing() as connection:
        return await update_and_settle(connection, _RELEASE_ALL, now)
