"""Enqueueing and claiming jobs."""

from datetime import datetime

from sqlalchemy import literal, update

from adapters.records import TenantRecord
from storage.database import Database
from storage.jobs import Job, JobKind, JobLease, claim, enqueue
from storage.sql import DatabaseTime
from storage.tables import live_state, sync_jobs
from storage.tenants import SyncStatus, get_tenant, save_tenant
from tests.support.builders import MINUTE, NOW


async def new_tenant(db: Database, number: int | str, *, connected: bool = True) -> str:
    """Store a tenant. Returns its id."""
    record = TenantRecord(platform_id=str(number), name=None)
    return (await save_tenant(db, "discord", record, connected=connected, now=NOW))[0].id


async def queued(db: Database, tenant_id: str, kind: JobKind = JobKind.SCHEDULED, now: datetime = NOW) -> Job:
    """Enqueue a new job."""
    job, created = await enqueue(db, tenant_id, kind, now=now)
    assert created
    return job


async def claimed(db: Database, now: datetime = NOW, owner: str = "worker") -> tuple[Job, JobLease]:
    """Claim the next job, which there has to be."""
    found = await claim(db, owner, now=now, lease=MINUTE)
    assert found is not None
    return found


async def expire(db: Database) -> None:
    """Let all leases run out, as time does."""
    async with db.writing() as connection:
        past = DatabaseTime(literal(-1.0))
        await connection.execute(update(sync_jobs).where(sync_jobs.c.lease_until.is_not(None)).values(lease_until=past))


async def expire_leadership(db: Database) -> None:
    """Let the leaders' leases run out, as time does."""
    async with db.writing() as connection:
        await connection.execute(update(live_state).values(lease_until=DatabaseTime(literal(-1.0))))


async def status_of(db: Database, tenant_id: str) -> SyncStatus:
    """Read the status of a tenant."""
    tenant = await get_tenant(db, tenant_id)
    assert tenant is not None
    return tenant.sync_status


async def running_job(db: Database, tenant_id: str, owner: str = "worker") -> JobLease:
    """Enqueue a job and claim it."""
    await enqueue(db, tenant_id, JobKind.INITIAL, now=NOW)
    claimed = await claim(db, owner, now=NOW, lease=5 * MINUTE)
    assert claimed is not None
    return claimed[1]
