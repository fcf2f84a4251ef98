"""Batches under a lease: a job that is another's, or is over, writes nothing more."""

from dataclasses import replace

import pytest

from storage.channels import fail_channel, finish_channel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobKind, JobStatus, claim, enqueue, finish, renew
from storage.messages import mark_deleted
from storage.tables import messages, sync_progress
from tests.support.builders import MINUTE, NOW, message
from tests.support.job_steps import expire
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, only_row


async def test_a_worker_that_lost_its_job_writes_nothing(db: Database, way: Way) -> None:
    await way.store(message(1))
    await expire(db)
    taken_over = await claim(db, "other", now=NOW, lease=MINUTE)
    assert taken_over is not None
    assert taken_over[1].job_id == way.lease.job_id
    before = await only_row(db, sync_progress)
    for write in (
        way.store(message(2)),
        finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=LATER),
        fail_channel(db, way.channel.id, error={"code": "x"}, job=way.lease, now=LATER),
        mark_deleted(db, way.channel.id, ["1"], job=way.lease, now=LATER),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert (await only_row(db, messages))["deleted_at"] is None
    assert await only_row(db, sync_progress) == before
    way.lease = taken_over[1]
    await way.store(message(2))
    assert await count_of(db, messages) == 2


@pytest.mark.parametrize("stranger", [{"owner": "thief"}, {"attempt": 2}, {"job_id": "none"}])
async def test_a_lease_that_was_never_given_writes_nothing(db: Database, way: Way, stranger: dict[str, object]) -> None:
    way.lease = replace(way.lease, **stranger)  # type: ignore[arg-type] # one field of three
    with pytest.raises(LeaseLost):
        await way.store(message(1))
    assert [await count_of(db, t) for t in (messages, sync_progress)] == [0, 0]


async def test_a_lease_that_ran_out_holds_until_the_job_is_taken_over(db: Database, way: Way) -> None:
    await expire(db)
    await way.store(message(1))
    assert await count_of(db, messages) == 1


async def test_a_finished_job_writes_nothing_more(db: Database, way: Way) -> None:
    await finish(db, way.lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
    with pytest.raises(LeaseLost):
        await way.store(message(1))


async def test_what_a_killed_worker_had_stored_is_counted(db: Database, way: Way) -> None:
    """Also what it stored after it last said how far it is, and only what this job stored."""
    await way.store(message(1), message(2))
    await finish(db, way.lease, status=JobStatus.FAILED, totals={}, error=None, now=NOW)
    await enqueue(db, way.tenant.id, JobKind.MANUAL, now=NOW)
    for attempt, counted in ((1, 0), (2, 3), (3, 5)):
        claimed = await claim(db, f"worker {attempt}", now=NOW, lease=MINUTE)
        assert claimed is not None
        job, way.lease = claimed
        assert (job.attempt, job.totals.get("messages", 0)) == (attempt, counted)
        numbers = {1: (3, 4, 5), 2: (6, 7), 3: ()}[attempt]
        if numbers:
            await way.store(*(message(n) for n in numbers))
        await renew(db, way.lease, now=NOW, totals={"messages": 1})
        await expire(db)
