"""What has had its time is removed: jobs that ended long ago, gaps that were repaired long ago, and nothing else."""

from datetime import datetime

from storage.database import Database
from storage.jobs import JobKind, JobLease, JobStatus, finish, last_durations, list_jobs, prune_jobs, settle_status
from storage.repair import GapReason, list_gaps, prune_gaps, record_gap, settle_gaps
from storage.tables import sync_gaps
from storage.tenants import SyncStatus, Tenant
from tests.support.builders import HOUR, NOW, SECOND, message
from tests.support.job_steps import claimed, new_tenant, queued, status_of
from tests.support.repair_steps import Way
from tests.support.tables_of import count_of, run_sql

DAY = 24 * HOUR


async def ended(db: Database, tenant_id: str, at: datetime, end: JobStatus, kind: JobKind = JobKind.SCHEDULED) -> str:
    job = await queued(db, tenant_id, kind, at)
    _, lease = await claimed(db, at + HOUR)
    await finish(db, lease, status=end, totals={}, error=None, now=at + SECOND)
    return job.id


async def test_old_jobs_go_but_what_the_tenant_is_judged_by(db: Database) -> None:
    tenant_id = await new_tenant(db, 1)
    whole = await ended(db, tenant_id, NOW, JobStatus.SUCCEEDED)
    first = [await ended(db, tenant_id, NOW + n * SECOND, JobStatus.FAILED) for n in range(1, 4)]
    last = await ended(db, tenant_id, NOW + 5 * SECOND, JobStatus.PARTIAL, JobKind.INITIAL)
    await ended(db, tenant_id, NOW + 6 * SECOND, JobStatus.CANCELLED)
    before = await last_durations(db, [tenant_id])
    assert await prune_jobs(db, ended_before=NOW) == 0
    assert await prune_jobs(db, ended_before=NOW + DAY, limit=2) == 2
    assert await prune_jobs(db, ended_before=NOW + DAY) == len(first) - 2
    assert [job.id for job in await list_jobs(db)][1:] == [last, whole]
    assert await last_durations(db, [tenant_id]) == before
    async with db.writing() as connection:
        await settle_status(connection, tenant_id, NOW)
    assert await status_of(db, tenant_id) is SyncStatus.PARTIAL


async def test_a_tenant_that_never_succeeds_does_not_fill_the_archive(db: Database) -> None:
    tenant_id = await new_tenant(db, 1)
    for n in range(4):
        await ended(db, tenant_id, NOW + n * SECOND, JobStatus.FAILED)
    assert await prune_jobs(db, ended_before=NOW + DAY) == 3


async def test_a_time_before_all_jobs_removes_none(db: Database) -> None:
    """As a hundred years back are, which the configuration may ask for."""
    await ended(db, await new_tenant(db, 1), NOW, JobStatus.FAILED)
    assert await prune_jobs(db, ended_before=NOW - 36_500 * DAY) == 0


async def test_a_job_that_runs_or_waits_stays(db: Database, way: Way, lease: JobLease) -> None:
    await way.store(message(1))
    await queued(db, await new_tenant(db, 1))
    assert await prune_jobs(db, ended_before=NOW + DAY) == 0


async def test_repaired_gaps_go(db: Database, tenant: Tenant, way: Way) -> None:
    await way.store(message(1))
    for at in (NOW - DAY, NOW):  # apart, or they were one
        await record_gap(db, tenant.id, GapReason.PROCESS_DOWN, began_at=at, ended_at=at, now=NOW)
    await run_sql(db, "UPDATE sync_gaps SET planned_at = began_at WHERE id = (SELECT min(id) FROM sync_gaps)")
    assert await settle_gaps(db, tenant.id, now=NOW) == 1
    assert await prune_gaps(db, repaired_before=NOW) == 0
    assert await prune_gaps(db, repaired_before=NOW + SECOND) == 1
    assert await count_of(db, sync_gaps) == len(await list_gaps(db, tenant.id)) == 1
