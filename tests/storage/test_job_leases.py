"""Running jobs: claimed in order by one worker, fenced, each end brought to the tenant, released."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.records import TenantRecord
from storage.channels import ChannelState, finish_channel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import (
    Claimable,
    JobKind,
    JobLease,
    JobStatus,
    cancel,
    claim,
    enqueue,
    finish,
    get_job,
    has_due_jobs,
    list_jobs,
    queue_position,
    release,
    release_orphans,
    renew,
)
from storage.tenants import SyncStatus, Tenant, defer_until, get_tenant, note_parts, save_tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND
from tests.support.job_steps import claimed, expire, new_tenant, queued, status_of

LATER = NOW + MINUTE
ENDS = [s for s in JobStatus if s.is_end]


class TestClaim:
    async def test_a_claimed_job_runs(self, db: Database, tenant: Tenant) -> None:
        waiting = await queued(db, tenant.id)
        job, lease = await claimed(db, LATER)
        until = job.lease_until
        assert until is not None
        assert MINUTE / 2 < until - datetime.now(UTC) <= MINUTE  # by the database's clock, whatever ours says
        assert job == replace(
            waiting, status=JobStatus.RUNNING, attempt=1, owner="worker", lease_until=until, started_at=LATER
        )
        assert lease == JobLease(job_id=job.id, owner="worker", attempt=1, seconds=60)
        assert await status_of(db, tenant.id) is SyncStatus.SYNCING
        assert await claim(db, "other", now=LATER, lease=MINUTE) is None

    async def test_an_empty_queue_gives_nothing(self, db: Database) -> None:
        assert await claim(db, "worker", now=NOW, lease=MINUTE) is None

    async def test_the_order_is_priority_then_due_time_then_age(self, db: Database) -> None:
        ids = [await new_tenant(db, n) for n in range(6)]
        await enqueue(db, ids[0], JobKind.SCHEDULED, now=NOW, run_after=NOW + SECOND)
        await enqueue(db, ids[1], JobKind.SCHEDULED, now=NOW)
        await enqueue(db, ids[2], JobKind.SCHEDULED, now=NOW)
        await enqueue(db, ids[3], JobKind.INITIAL, now=NOW)
        await enqueue(db, ids[4], JobKind.MANUAL, now=NOW)
        await enqueue(db, ids[5], JobKind.SCHEDULED, now=NOW, run_after=NOW + HOUR)
        order = [ids[n] for n in (4, 3, 1, 2, 0)]
        jobs = {job.tenant_id: job for job in await list_jobs(db)}
        assert [await queue_position(db, jobs[i], now=LATER) for i in (*order, ids[5])] == [1, 2, 3, 4, 5, 6]
        assert [(await claimed(db, LATER))[0].tenant_id for _ in order] == order
        assert await claim(db, "worker", now=LATER, lease=MINUTE) is None
        assert await queue_position(db, jobs[ids[4]], now=LATER) is None
        assert await queue_position(db, jobs[ids[5]], now=LATER) == 1

    async def test_a_held_tenant_does_not_hold_the_others(self, db: Database) -> None:
        held, free = await new_tenant(db, 1), await new_tenant(db, 2)
        first, second = await queued(db, held), await queued(db, free)
        await defer_until(db, held, "discord", NOW + HOUR, NOW)
        assert [await queue_position(db, job, now=NOW) for job in (first, second)] == [2, 1]
        assert (await claimed(db))[0].id == second.id
        assert await claim(db, "worker", now=NOW, lease=MINUTE) is None

    async def test_a_job_whose_worker_died_is_taken_up_again(self, db: Database, tenant: Tenant) -> None:
        await queued(db, tenant.id)
        _, lost = await claimed(db)
        assert await claim(db, "other", now=NOW + 24 * HOUR, lease=MINUTE) is None  # only the database's clock counts
        await expire(db)
        job, lease = await claimed(db, NOW, "other")
        assert (job.attempt, job.owner, job.started_at) == (2, "other", NOW)
        for call in (
            renew(db, lost, now=LATER, totals={}),
            finish(db, lost, status=JobStatus.FAILED, totals={}, error=None, now=LATER),
            release(db, lost, totals={}, now=LATER),
        ):
            with pytest.raises(LeaseLost):
                await call
        assert await get_job(db, job.id) == job
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=LATER)

    async def test_a_renewed_job_is_not_taken_up(self, db: Database, lease: JobLease) -> None:
        await expire(db)
        job = await renew(db, lease, now=NOW, totals={"messages": 7})
        assert (job.totals, job.cancel_requested) == ({"messages": 7}, False)
        assert await claim(db, "other", now=NOW, lease=MINUTE) is None

    async def test_what_is_stored_for_a_job_renews_it(
        self, db: Database, general: ChannelState, lease: JobLease
    ) -> None:
        await expire(db)
        await finish_channel(db, general.id, deleted_head_id=None, job=lease, now=NOW)
        assert await claim(db, "other", now=NOW, lease=MINUTE) is None

    async def test_nobody_takes_up_what_it_runs_itself(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await expire(db)
        assert await claim(db, "worker", now=NOW, lease=MINUTE, busy=[tenant.id]) is None
        assert await claim(db, "worker", now=NOW, lease=MINUTE, busy=["discord-1"]) is not None

    async def test_a_lease_that_a_clock_has_left_behind_is_void(self, db: Database, lease: JobLease) -> None:
        await renew(db, replace(lease, seconds=86_400), now=NOW, totals={})  # and then the clock was set back a day
        assert await claim(db, "other", now=NOW, lease=MINUTE) is not None

    async def test_only_jobs_of_platforms_that_are_ready(self, db: Database, tenant: Tenant) -> None:
        other, _ = await save_tenant(db, "slack", TenantRecord(platform_id="T1", name=None), connected=True, now=NOW)
        await queued(db, tenant.id)
        await queued(db, other.id, now=LATER)
        assert await claim(db, "worker", now=LATER, lease=MINUTE, claimable=Claimable()) is None
        ready = Claimable(platforms=("slack", "matrix"))
        found = await claim(db, "worker", now=LATER, lease=MINUTE, claimable=ready)
        assert found is not None
        assert found[0].tenant_id == other.id

    async def test_only_jobs_of_parts_that_are_ready(self, db: Database, tenant: Tenant) -> None:
        other, _ = await save_tenant(
            db, "discord", TenantRecord(platform_id="1", name=None), connected=True, now=NOW, part="1/2"
        )
        for one in (tenant, other):
            await queued(db, one.id)
        unknown = Claimable(parts=(("discord", "0/2"), ("slack", "1/2")))
        assert await claim(db, "worker", now=LATER, lease=MINUTE, claimable=unknown) is None, "nobody knows its part"
        assert not await has_due_jobs(db, LATER, claimable=unknown)
        await note_parts(db, {tenant.id: "0/2", "discord-404": "0/2"}, LATER)
        assert await has_due_jobs(db, LATER, claimable=unknown)
        found = await claim(db, "worker", now=LATER, lease=MINUTE, claimable=unknown)
        assert found is not None
        assert found[0].tenant_id == tenant.id
        assert await claim(db, "worker", now=LATER, lease=MINUTE, claimable=unknown) is None


class TestFinish:
    @pytest.mark.parametrize("end", ENDS)
    async def test_each_end_is_brought_to_the_tenant(self, db: Database, tenant: Tenant, end: JobStatus) -> None:
        await queued(db, tenant.id)
        _, lease = await claimed(db)
        error = None if end is JobStatus.SUCCEEDED else {"code": "x", "message": "why"}
        job = await finish(db, lease, status=end, totals={"messages": 3}, error=error, now=LATER)
        assert (job.status, job.finished_at, job.totals, job.error) == (end, LATER, {"messages": 3}, error)
        assert (job.lease_until, job.owner) == (None, "worker")
        after = await get_tenant(db, tenant.id)
        assert after is not None
        assert after.last_sync_at == (None if end is JobStatus.CANCELLED else LATER)
        assert after.last_successful_sync_at == (LATER if end is JobStatus.SUCCEEDED else None)
        expected = {JobStatus.SUCCEEDED: "ok", JobStatus.CANCELLED: "pending"}.get(end, end.value)
        assert after.sync_status == expected

    async def test_a_cancelled_job_leaves_the_status_that_was(self, db: Database, tenant: Tenant) -> None:
        for end in (JobStatus.PARTIAL, JobStatus.CANCELLED):
            await queued(db, tenant.id)
            _, lease = await claimed(db)
            await finish(db, lease, status=end, totals={}, error=None, now=NOW)
        assert await status_of(db, tenant.id) is SyncStatus.PARTIAL

    async def test_a_later_failure_keeps_the_time_of_success(self, db: Database, tenant: Tenant) -> None:
        for end, now in ((JobStatus.SUCCEEDED, NOW), (JobStatus.FAILED, LATER)):
            await queued(db, tenant.id)
            _, lease = await claimed(db)
            await finish(db, lease, status=end, totals={}, error=None, now=now)
        after = await get_tenant(db, tenant.id)
        assert after is not None
        assert (after.last_sync_at, after.last_successful_sync_at) == (LATER, NOW)

    @pytest.mark.parametrize("not_an_end", [JobStatus.QUEUED, JobStatus.RUNNING])
    async def test_only_an_end_ends(self, db: Database, lease: JobLease, not_an_end: JobStatus) -> None:
        with pytest.raises(ValueError, match="not an end"):
            await finish(db, lease, status=not_an_end, totals={}, error=None, now=NOW)

    async def test_a_job_ends_once(self, db: Database, lease: JobLease) -> None:
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
        with pytest.raises(LeaseLost):
            await finish(db, lease, status=JobStatus.FAILED, totals={}, error=None, now=NOW)


class TestRelease:
    async def test_a_released_job_waits_again_with_what_it_did(self, db: Database, tenant: Tenant) -> None:
        await queued(db, tenant.id)
        job, lease = await claimed(db)
        await release(db, lease, totals={"messages": 9}, now=LATER)
        waiting = await get_job(db, job.id)
        assert waiting is not None
        assert (waiting.status, waiting.totals, waiting.attempt) == (JobStatus.QUEUED, {"messages": 9}, 1)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING
        with pytest.raises(LeaseLost):
            await renew(db, lease, now=LATER, totals={})
        assert (await claimed(db, LATER))[1].attempt == 2

    async def test_a_released_job_that_was_called_off_is_cancelled(self, db: Database, lease: JobLease) -> None:
        await cancel(db, lease.job_id, NOW)
        await release(db, lease, totals={}, now=LATER)
        job = await get_job(db, lease.job_id)
        assert job is not None
        assert (job.status, job.finished_at) == (JobStatus.CANCELLED, LATER)

    async def test_at_start_sqlite_takes_back_what_was_running(self, db: Database) -> None:
        ids = [await new_tenant(db, n) for n in range(3)]
        jobs = [await queued(db, i) for i in ids]
        for _ in range(2):
            await claimed(db)
        await cancel(db, jobs[1].id, NOW)
        released = await release_orphans(db, LATER)
        statuses = [job.status for job in [await get_job(db, j.id) for j in jobs] if job]
        if db.dialect == "sqlite":
            assert released == 2
            assert statuses == [JobStatus.QUEUED, JobStatus.CANCELLED, JobStatus.QUEUED]
            assert [await status_of(db, i) for i in ids] == [SyncStatus.PENDING] * 3
        else:
            assert released == 0
            assert statuses == [JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.QUEUED]
