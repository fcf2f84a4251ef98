"""What a job stores, it stores under its lease: checked, and renewed, in the transaction that stores."""

from sqlalchemy import Float, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import LeaseLost
from storage.jobs.model import HELD, RENEWED_UNTIL, JobLease
from storage.sql import DatabaseTime, one_row
from storage.tables import sync_jobs

# Skipped where it is locked: whoever holds the row renews it, or ends the job. No batch waits for another here.
_renewable = (
    select(sync_jobs.c.id)
    .where(*HELD, sync_jobs.c.lease_until < DatabaseTime(bindparam("half_a_lease", type_=Float)))
    .with_for_update(skip_locked=True)
)
_EXTEND = (
    update(sync_jobs)
    .where(sync_jobs.c.id == _renewable.scalar_subquery(), sync_jobs.c.status == "running")
    .values(lease_until=RENEWED_UNTIL)
)


async def extend_lease(connection: AsyncConnection, job: JobLease) -> None:
    """Renew a lease half of which is over, in a transaction that stores something for its job.

    A worker that stores is alive, however long its heartbeat has to wait for its turn.
    """
    await connection.execute(_EXTEND, {**job.as_renewal(), "half_a_lease": job.seconds / 2})


# The job's row stays locked until the commit, so that nobody takes the job up in between; a shared lock, so that
# what a job does side by side does not wait for each other.
_HELD = select(sync_jobs.c.id).where(*HELD).with_for_update(read=True)


async def require_lease(connection: AsyncConnection, job: JobLease) -> None:
    """Go on only while a job belongs to a lease, and renew that; it does so until the transaction ends.

    Raises:
        LeaseLost: it does not; nothing may be committed.
    """
    await extend_lease(connection, job)
    if await one_row(connection, _HELD, job.as_values()) is None:
        raise LeaseLost
