"""What a tenant's jobs make of it: one unfinished one, its status, and when it was last synced."""

from datetime import datetime

import pytest

from storage.database import Database
from storage.jobs import JobKind, JobStatus, enqueue, finish
from storage.tenants import SyncStatus, Tenant, get_tenant
from tests.support.builders import MINUTE, NOW
from tests.support.job_steps import claimed, status_of


async def end_of_a_sync(db: Database, tenant: Tenant, end: JobStatus, now: datetime, kind: JobKind) -> Tenant:
    """The tenant after one more job of it has ended so."""
    await enqueue(db, tenant.id, kind, now=now)
    _, lease = await claimed(db, now)
    await finish(db, lease, status=end, totals={}, error=None, now=now)
    after = await get_tenant(db, tenant.id)
    assert after is not None
    return after


async def test_a_tenant_has_one_unfinished_job_whatever_is_requested(db: Database, tenant: Tenant) -> None:
    first, created = await enqueue(db, tenant.id, JobKind.SCHEDULED, now=NOW)
    assert created
    for _ in ("while it waits", "while it runs"):
        for kind in JobKind:
            job, created = await enqueue(db, tenant.id, kind, now=NOW)
            assert (job.id, created) == (first.id, False), f"a {kind} one was made beside it"
        if job.status is JobStatus.QUEUED:
            _, lease = await claimed(db)
    await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
    job, created = await enqueue(db, tenant.id, JobKind.MANUAL, now=NOW)
    assert created
    assert job.id != first.id


async def test_a_new_tenant_is_pending_until_its_first_sync_runs(db: Database, tenant: Tenant) -> None:
    assert await status_of(db, tenant.id) is SyncStatus.PENDING
    for end in (JobStatus.FAILED, JobStatus.SUCCEEDED):
        await enqueue(db, tenant.id, JobKind.INITIAL, now=NOW)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING, f"before its first sync {end}"
        _, lease = await claimed(db)
        assert await status_of(db, tenant.id) is SyncStatus.SYNCING
        await finish(db, lease, status=end, totals={}, error=None, now=NOW)
    assert await status_of(db, tenant.id) is SyncStatus.OK


@pytest.mark.parametrize("kind", [JobKind.MANUAL, JobKind.SCHEDULED])
async def test_every_end_moves_the_time_of_the_last_sync(db: Database, tenant: Tenant, kind: JobKind) -> None:
    for number, end in enumerate((JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.PARTIAL, JobStatus.SUCCEEDED)):
        now = NOW + number * MINUTE
        assert (await end_of_a_sync(db, tenant, end, now, kind)).last_sync_at == now, f"sync {number}, {end}"


async def test_every_success_and_nothing_else_moves_the_time_of_the_last_success(db: Database, tenant: Tenant) -> None:
    expected = None
    ends = (JobStatus.PARTIAL, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.PARTIAL)
    for number, end in enumerate(ends):
        now = NOW + number * MINUTE
        expected = now if end is JobStatus.SUCCEEDED else expected
        after = await end_of_a_sync(db, tenant, end, now, JobKind.SCHEDULED)
        assert after.last_successful_sync_at == expected, f"sync {number}, {end}"
