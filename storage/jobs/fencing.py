"""Shutting out a worker whose job is another's by now."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import LeaseLost
from storage.jobs.model import HELD, JobLease
from storage.sql import one_row
from storage.tables import sync_jobs

# The job's row stays locked until the commit, so that nobody takes the job up in between; a shared lock, so that
# what a job does side by side does not wait for each other.
_HELD = select(sync_jobs.c.id).where(*HELD).with_for_update(read=True)


async def require_lease(connection: AsyncConnection, job: JobLease) -> None:
    """Go on only while a job belongs to a lease; it does so until the transaction ends.

    Raises:
        LeaseLost: it does not; nothing may be committed.
    """
    if await one_row(connection, _HELD, job.as_values()) is None:
        raise LeaseLost
