"""Requesting syncs: one unfinished job a tenant, cancelled, listed, and who is due."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.records import TenantRecord
from storage.database import Database
from storage.errors import UnknownTenant
from storage.jobs import (
    Job,
    JobKind,
    JobLease,
    JobStatus,
    cancel,
    claim,
    due_tenants,
    enqueue,
    finish,
    get_job,
    list_jobs,
    newest_job,
    queue_figures,
    renew,
)
from storage.tenants import SyncStatus, Tenant, defer_until, save_tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND
from tests.support.job_steps import claimed, expire, new_tenant, queued, status_of

LATER = NOW + MINUTE


class TestEnqueue:
    async def test_a_new_job_waits(self, db: Database, tenant: Tenant) -> None:
        job, created = await enqueue(db, tenant.id, JobKind.INITIAL, now=NOW)
        assert created
        assert job == Job(
            id=job.id,
            tenant_id=tenant.id,
            kind=JobKind.INITIAL,
            status=JobStatus.QUEUED,
            attempt=0,
            run_after=NOW,
            rank_at=NOW - 5 * MINUTE,
            owner=None,
            lease_until=None,
            cancel_requested=False,
            queued_at=NOW,
            started_at=None,
            finished_at=None,
            totals={},
            error=None,
        )
        assert await get_job(db, job.id) == job == await newest_job(db, tenant.id)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING

    async def test_requesting_again_gives_the_unfinished_job(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id)
        assert await enqueue(db, tenant.id, JobKind.SCHEDULED, now=LATER) == (job, False)
        running, _ = await claimed(db)
        for kind in JobKind:
            assert await enqueue(db, tenant.id, kind, now=LATER) == (running, False)

    async def test_a_tick_lifts_a_waiting_audit_to_its_own_place(self, db: Database, tenant: Tenant) -> None:
        audit, _ = await enqueue(db, tenant.id, JobKind.AUDIT, now=NOW)
        same, created = await enqueue(db, tenant.id, JobKind.SCHEDULED, now=LATER)
        assert (same.id, created, audit.rank_at, same.rank_at) == (audit.id, False, NOW + HOUR, LATER)

    async def test_a_clock_that_was_set_back_makes_no_job_older(self, db: Database, tenant: Tenant) -> None:
        for now, end in ((NOW + HOUR, JobStatus.FAILED), (NOW, JobStatus.SUCCEEDED)):
            job = await queued(db, tenant.id, now=now)
            _, lease = await claimed(db, now)
            await finish(db, lease, status=end, totals={}, error=None, now=now)
            assert (await list_jobs(db))[0].id == job.id
        assert await status_of(db, tenant.id) is SyncStatus.OK

    async def test_a_finished_job_makes_room(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id)
        _, lease = await claimed(db)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
        assert (await queued(db, tenant.id)).id > job.id

    async def test_a_manual_request_puts_the_waiting_job_in_front(self, db: Database, tenant: Tenant) -> None:
        waiting, _ = await enqueue(db, tenant.id, JobKind.SCHEDULED, now=NOW, run_after=NOW + HOUR)
        job, created = await enqueue(db, tenant.id, JobKind.MANUAL, now=LATER)
        assert not created
        assert job == replace(waiting, rank_at=LATER - 10 * MINUTE, run_after=LATER)

    async def test_a_manual_request_never_puts_a_job_off(self, db: Database, tenant: Tenant) -> None:
        first, _ = await enqueue(db, tenant.id, JobKind.MANUAL, now=NOW)
        assert await enqueue(db, tenant.id, JobKind.MANUAL, now=LATER) == (first, False)

    async def test_no_job_is_due_before_the_platform_lets_us(self, db: Database, tenant: Tenant) -> None:
        await defer_until(db, tenant.id, "discord", NOW + HOUR, NOW)
        waiting = await queued(db, tenant.id)
        assert waiting.run_after == NOW + HOUR
        manual, _ = await enqueue(db, tenant.id, JobKind.MANUAL, now=NOW)
        assert manual.run_after == NOW + HOUR
        assert await claim(db, "worker", now=NOW + HOUR - SECOND, lease=MINUTE) is None
        await claimed(db, NOW + HOUR)

    async def test_a_job_needs_a_tenant(self, db: Database) -> None:
        with pytest.raises(UnknownTenant, match="discord-404"):
            await enqueue(db, "discord-404", JobKind.MANUAL, now=NOW)

    async def test_an_initial_job_makes_a_failed_tenant_pending_again(self, db: Database, tenant: Tenant) -> None:
        for kind, status in ((JobKind.SCHEDULED, SyncStatus.FAILED), (JobKind.INITIAL, SyncStatus.PENDING)):
            await queued(db, tenant.id)
            _, lease = await claimed(db)
            await finish(db, lease, status=JobStatus.FAILED, totals={}, error=None, now=NOW)
            assert await status_of(db, tenant.id) is SyncStatus.FAILED
            await queued(db, tenant.id, kind)
            assert await status_of(db, tenant.id) is status
            _, lease = await claimed(db)
            await finish(db, lease, status=JobStatus.FAILED, totals={}, error=None, now=NOW)


class TestCancel:
    async def test_a_waiting_job_is_cancelled_at_once(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id, JobKind.INITIAL)
        cancelled = await cancel(db, job.id, LATER)
        assert cancelled is not None
        assert (cancelled.status, cancelled.finished_at) == (JobStatus.CANCELLED, LATER)
        assert await claim(db, "worker", now=LATER, lease=MINUTE) is None
        await queued(db, tenant.id)

    @pytest.mark.slow
    async def test_a_running_jobs_worker_ends_it(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        requested = await cancel(db, lease.job_id, LATER)
        assert requested is not None
        assert (requested.status, requested.finished_at, requested.cancel_requested) == (JobStatus.RUNNING, None, True)
        assert (await renew(db, lease, now=LATER, totals={})).cancel_requested
        await finish(db, lease, status=JobStatus.CANCELLED, totals={}, error=None, now=LATER)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING

    async def test_an_ended_job_stays_as_it_ended(self, db: Database, lease: JobLease) -> None:
        ended = await finish(db, lease, status=JobStatus.FAILED, totals={}, error=None, now=NOW)
        assert await cancel(db, lease.job_id, LATER) == ended

    async def test_no_job_no_answer(self, db: Database) -> None:
        assert await cancel(db, "none", NOW) is None
        assert await get_job(db, "none") is None
        assert await newest_job(db, "none") is None

    async def test_a_called_off_job_of_a_dead_worker_is_ended_not_run(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id)
        await claimed(db)
        await cancel(db, job.id, NOW)
        await expire(db)
        assert await claim(db, "other", now=NOW + HOUR, lease=MINUTE, busy=[tenant.id]) is None
        assert (await queue_figures(db, NOW)).running == 1
        assert await claim(db, "other", now=NOW + HOUR, lease=MINUTE) is None
        ended = await get_job(db, job.id)
        assert ended is not None
        assert (ended.status, ended.finished_at) == (JobStatus.CANCELLED, NOW + HOUR)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING


class TestQuestions:
    async def test_jobs_are_listed_newest_first_in_pages(self, db: Database) -> None:
        ids = [await new_tenant(db, n) for n in range(3)]
        jobs = [await queued(db, i, now=NOW + n * SECOND) for n, i in enumerate(ids)]
        first, _ = await claimed(db, LATER)
        assert first.id == jobs[0].id
        assert [j.id for j in await list_jobs(db)] == [j.id for j in reversed(jobs)]
        assert [j.id for j in await list_jobs(db, limit=1, after=jobs[2].id)] == [jobs[1].id]
        assert await list_jobs(db, status=JobStatus.RUNNING) == [first]
        assert await list_jobs(db, only_finished=True) == []
        await cancel(db, jobs[1].id, LATER)
        assert [j.id for j in await list_jobs(db, only_finished=True, limit=1)] == [jobs[1].id]
        assert [j.id for j in await list_jobs(db, tenant_id=ids[1])] == [jobs[1].id]

    @pytest.mark.slow
    async def test_ids_made_in_one_instant_keep_their_order(self, db: Database) -> None:
        jobs = [await queued(db, await new_tenant(db, n)) for n in range(20)]
        assert [job.id for job in jobs] == sorted(job.id for job in jobs)

    async def test_which_tenants_are_due(self, db: Database) -> None:
        never, old, fresh, waiting, gone = [await new_tenant(db, n) for n in range(5)]
        for tenant_id, at in ((fresh, NOW), (old, NOW - HOUR)):
            await queued(db, tenant_id, now=at)
            _, lease = await claimed(db, at)
            await finish(db, lease, status=JobStatus.FAILED, totals={}, error=None, now=at)
        await queued(db, waiting)
        await save_tenant(db, "discord", TenantRecord(platform_id="4", name=None), connected=False, now=NOW)
        assert await due_tenants(db, platform="discord", before=NOW) == [never, old]
        assert await due_tenants(db, platform="discord", before=NOW + timedelta(microseconds=1)) == [never, old, fresh]
        assert await due_tenants(db, platform="slack", before=LATER) == []
        assert gone not in await due_tenants(db, platform="discord", before=LATER)
