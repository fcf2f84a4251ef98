"""Guard what a job stores by its lease: checked, and renewed, in the transaction that stores it."""

from sqlalchemy import Float, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import LeaseLost
from storage.jobs.model import HELD, RENEWED_UNTIL, JobLease
from storage.sql import DatabaseTime, one_row
from storage.tables import sync_jobs

# A locked row is skipped: its holder renews the lease or ends the job. So batches never wait for each other here.
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
    """Renew a lease that is half used up, in a transaction that stores something for its job.

    A worker that stores is alive, even when its heartbeat is delayed.
    """
    await connection.execute(_EXTEND, {**job.as_renewal(), "half_a_lease": job.seconds / 2})


# The job's row stays locked until the commit, so that no other worker can claim the job in between. The lock is shared,
# so that parallel transactions of one job do not wait for each other.
_HELD = select(sync_jobs.c.id).where(*HELD).with_for_update(read=True)


async def require_lease(connection: AsyncConnection, job: JobLease) -> None:
    """Check that a job still has this lease and renew it; the row stays locked until the transaction ends.

    Raises:
        LeaseLost: the lease is another worker's; the transaction must not be committed.
    """
    await extend_lease(connection, job)
    if await one_row(connection, _HELD, job.as_values()) is None:
        raise LeaseLost
