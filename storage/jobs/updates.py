"""Changing jobs: a held one under its lease, several with their tenants' status brought along."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import LeaseLost
from storage.jobs.model import Job, JobLease, job_of
from storage.jobs.tenant_status import SETTLE
from storage.sql import one_row


async def update_held(
    connection: AsyncConnection, statement: Update, lease: JobLease, values: Mapping[str, object]
) -> Job:
    """Run an update of the job that a lease holds (``HELD``), which returns its row.

    Raises:
        LeaseLost: it does not hold it any more.
    """
    row = await one_row(connection, statement, {**values, **lease.as_values()})
    if row is None:
        raise LeaseLost
    return job_of(row)


async def update_and_settle(connection: AsyncConnection, statement: Update, now: datetime) -> int:
    """Run an update of jobs, which returns their tenants' ids; how many jobs it changed."""
    tenant_ids = list((await connection.execute(statement, {"now": now})).scalars())
    for tenant_id in tenant_ids:
        await connection.execute(SETTLE, {"tenant_id": tenant_id, "now": now})
    return len(tenant_ids)
