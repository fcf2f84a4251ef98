"""The order of the queue: positions are the order of claiming, a job yields to others, the queue in figures."""

from datetime import timedelta

import pytest

from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import (
    Job,
    JobKind,
    JobLease,
    JobStatus,
    QueueFigures,
    cancel,
    claim,
    enqueue,
    finish,
    get_job,
    has_due_jobs,
    last_durations,
    list_jobs,
    queue,
    queue_figures,
    queue_position,
    yield_job,
)
from storage.tenants import SyncStatus, Tenant, defer_until
from tests.support.builders import HOUR, MINUTE, NOW, SECOND
from tests.support.job_steps import claimed, new_tenant, queued, status_of

LATER = NOW + MINUTE


class TestQueue:
    async def test_running_ones_then_waiting_ones_as_they_will_be_claimed(self, db: Database) -> None:
        ids = [await new_tenant(db, n) for n in range(8)]
        for n in (7, 6):
            await queued(db, ids[n], now=NOW - HOUR)
        for at in (NOW - MINUTE, NOW):
            await claim(db, "worker", now=at, lease=MINUTE)
        await enqueue(db, ids[0], JobKind.MANUAL, now=NOW)
        await defer_until(db, ids[0], "discord", LATER, NOW)
        await enqueue(db, ids[1], JobKind.SCHEDULED, now=NOW, run_after=NOW + SECOND)
        await enqueue(db, ids[2], JobKind.SCHEDULED, now=NOW)
        await enqueue(db, ids[3], JobKind.INITIAL, now=NOW)
        await enqueue(db, ids[4], JobKind.SCHEDULED, now=NOW, run_after=LATER)
        await enqueue(db, ids[5], JobKind.SCHEDULED, now=NOW, run_after=LATER)
        listed = await queue(db, now=NOW)
        expected = [(7, None), (6, None), (3, 1), (2, 2), (1, 3), (0, 4), (4, 5), (5, 6)]
        assert [(job.tenant_id, position) for job, position in listed] == [(ids[n], p) for n, p in expected]
        assert [await queue_position(db, job, now=NOW) for job, _ in listed] == [p for _, p in expected]
        assert await queue(db, now=NOW, limit=3, offset=1) == listed[1:4]
        assert await queue(db, now=NOW, offset=9) == []
        later = [(job.tenant_id, position) for job, position in await queue(db, now=LATER)]
        expected = [(7, None), (6, None), (0, 1), (3, 2), (2, 3), (1, 4), (4, 5), (5, 6)]
        assert later == [(ids[n], p) for n, p in expected]
        assert [(await claimed(db, LATER))[0].tenant_id for _ in range(6)] == [ids[n] for n, p in expected if p]

    async def test_at_this_moment_where_no_time_is_given(self, db: Database, tenant: Tenant) -> None:
        assert await queue_position(db, await queued(db, tenant.id)) == 1

    async def test_an_empty_queue(self, db: Database) -> None:
        assert await queue(db, now=NOW) == []
        assert await queue_figures(db, NOW) == QueueFigures(waiting=0, running=0, oldest_waiting_seconds=None)
        assert not await has_due_jobs(db, NOW)
        assert await last_durations(db, []) == {}

    async def test_figures(self, db: Database) -> None:
        ids = [await new_tenant(db, n) for n in range(4)]
        await queued(db, ids[0], now=NOW - HOUR)
        await claimed(db, NOW)
        await enqueue(db, ids[1], JobKind.SCHEDULED, now=NOW, run_after=LATER)
        assert not await has_due_jobs(db, NOW)
        assert await queue_figures(db, NOW) == QueueFigures(waiting=1, running=1, oldest_waiting_seconds=None)
        await enqueue(db, ids[2], JobKind.SCHEDULED, now=NOW - MINUTE)
        assert await has_due_jobs(db, NOW)
        assert (await queue_figures(db, NOW)).oldest_waiting_seconds == 60
        await defer_until(db, ids[2], "discord", NOW - SECOND, NOW)
        assert (await queue_figures(db, NOW)).oldest_waiting_seconds == 1
        await enqueue(db, ids[3], JobKind.SCHEDULED, now=NOW, run_after=NOW - HOUR)
        assert (await queue_figures(db, NOW + 2 * SECOND)).oldest_waiting_seconds == 3


class TestYielding:
    async def test_a_job_that_had_its_turn_goes_behind_everybody(self, db: Database) -> None:
        long, *others = [await new_tenant(db, n) for n in range(4)]
        await queued(db, long, JobKind.MANUAL)
        _, lease = await claimed(db)
        for n, tenant_id in enumerate(others):
            await queued(db, tenant_id, now=NOW + n * SECOND)
        last = NOW + 2 * SECOND  # in the very instant in which the last of them was queued
        job = await yield_job(db, lease, totals={"messages": 9}, now=last)
        assert (job.status, job.rank_at, job.run_after) == (JobStatus.QUEUED, last, last)
        assert (job.totals, job.kind, job.lease_until) == ({"messages": 9}, JobKind.MANUAL, None)
        assert await queue_position(db, job, now=last) == 4
        assert [(await claimed(db, last))[0].tenant_id for _ in range(4)] == [*others, long]

    async def test_it_settles_its_tenant(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        assert await status_of(db, tenant.id) is SyncStatus.SYNCING
        await yield_job(db, lease, totals={}, now=LATER)
        assert await status_of(db, tenant.id) is SyncStatus.PENDING
        with pytest.raises(LeaseLost):
            await yield_job(db, lease, totals={}, now=LATER)

    async def test_one_that_was_called_off_is_cancelled(self, db: Database, lease: JobLease) -> None:
        await cancel(db, lease.job_id, NOW)
        job = await yield_job(db, lease, totals={}, now=LATER)
        assert (job.status, job.finished_at) == (JobStatus.CANCELLED, LATER)
        assert await get_job(db, job.id) == job


async def test_how_long_the_newest_whole_sync_of_a_tenant_took(db: Database) -> None:
    ids = [await new_tenant(db, n) for n in range(3)]

    async def run(tenant_id: str, kind: JobKind, end: JobStatus, seconds: float) -> Job:
        await queued(db, tenant_id, kind)
        _, lease = await claimed(db)
        at = NOW + timedelta(seconds=seconds)
        return await finish(db, lease, status=end, totals={}, error=None, now=at)

    await run(ids[0], JobKind.INITIAL, JobStatus.SUCCEEDED, 1000)
    assert await last_durations(db, ids) == {}
    await run(ids[0], JobKind.SCHEDULED, JobStatus.SUCCEEDED, 10)
    await run(ids[0], JobKind.MANUAL, JobStatus.PARTIAL, 2.5)
    await run(ids[0], JobKind.SCHEDULED, JobStatus.RATE_LIMITED, 0.5)
    await run(ids[1], JobKind.SCHEDULED, JobStatus.SUCCEEDED, 7)
    await queued(db, ids[1])
    assert await last_durations(db, ids) == {ids[0]: 2.5, ids[1]: 7}
    assert await last_durations(db, ids[1:]) == {ids[1]: 7}
    assert [job.kind for job in await list_jobs(db, kind=JobKind.INITIAL)] == [JobKind.INITIAL]
    assert len(await list_jobs(db, kind=JobKind.SCHEDULED, tenant_id=ids[0])) == 2


async def test_nobody_waits_while_the_only_job_runs(db: Database, lease: JobLease) -> None:
    assert not await has_due_jobs(db, NOW + HOUR)
    assert await claim(db, "other", now=NOW, lease=MINUTE) is None


async def test_what_waits_gets_nearer_to_the_front(db: Database) -> None:
    """In one slot, while people ask again and again: nobody who waits is overtaken more than once by each of them."""
    patient, *eager = [await new_tenant(db, n) for n in range(4)]
    for tenant_id in eager:
        await queued(db, tenant_id, JobKind.MANUAL)
    await queued(db, patient, now=NOW + SECOND)
    order = []
    for n in range(2, 10):
        now = NOW + n * SECOND
        job, lease = await claimed(db, now)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=now)
        order.append(job.tenant_id)
        if job.tenant_id != patient:
            await queued(db, job.tenant_id, JobKind.MANUAL, now)
    assert order == [*eager, patient, *eager, eager[0]]


async def test_a_scheduled_sync_waits_for_others_no_longer_than_their_head_start(db: Database) -> None:
    patient, *eager = [await new_tenant(db, n) for n in range(3)]
    await queued(db, patient)
    await queued(db, eager[0], JobKind.MANUAL, NOW + 9 * MINUTE)
    await queued(db, eager[1], JobKind.MANUAL, NOW + 11 * MINUTE)
    assert [(await claimed(db, NOW + HOUR))[0].tenant_id for _ in range(3)] == [eager[0], patient, eager[1]]
