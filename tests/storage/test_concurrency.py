"""Many at once: one unfinished job a tenant, one worker a job, channels that do not wait for each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from adapters.records import TenantRecord
from storage.channels import ChannelState, advance, channel_states, save_changed_channels, save_channels
from storage.database import Database, open_database
from storage.errors import LeaseLost
from storage.jobs import JobKind, JobLease, JobStatus, claim, enqueue, finish, list_jobs, renew
from storage.live import acquire_leadership, apply_changes
from storage.messages import MessageBatch, save_batch
from storage.reactions import pending_totals
from storage.tables import messages
from storage.tenants import Tenant, save_tenant
from tests.support.builders import MINUTE, NOW, SHA, attachment, change, channel, message, reaction, thread, total
from tests.support.job_steps import expire
from tests.support.tables_of import count_of, until_stored
from tests.support.user_lists import save_list

CLAIMERS = 4

pytestmark = pytest.mark.slow


@pytest.fixture
async def dbs(db: Database, database_url: str) -> AsyncIterator[list[Database]]:
    """Four ways into one archive: as many processes would have on PostgreSQL, tasks of one process on SQLite."""
    async with AsyncExitStack() as stack:
        others = [db] * (CLAIMERS - 1)
        if db.dialect == "postgresql":
            others = [await open_database(database_url, hash_choice=SHA) for _ in others]
            for other in others:
                stack.push_async_callback(other.close)
        yield [db, *others]


async def test_of_many_requests_at_once_one_makes_a_job(dbs: list[Database], tenant: Tenant) -> None:
    for _ in range(5):
        queued = await asyncio.gather(*(enqueue(db, tenant.id, kind, now=NOW) for db in dbs for kind in JobKind))
        assert sum(created for _, created in queued) == 1
        assert len({job.id for job, _ in queued}) == 1
        claimed = await claim(dbs[0], "worker", now=NOW, lease=MINUTE)
        assert claimed is not None
        await finish(dbs[0], claimed[1], status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)


async def test_of_many_claimers_each_job_has_one(dbs: list[Database]) -> None:
    tenants = 40
    for n in range(tenants):
        record = TenantRecord(platform_id=str(n), name=None)
        tenant, _ = await save_tenant(dbs[0], "discord", record, connected=True, now=NOW)
        await enqueue(dbs[0], tenant.id, JobKind.SCHEDULED, now=NOW)

    async def work(db: Database, owner: str) -> list[str]:
        done = []
        while (claimed := await claim(db, owner, now=NOW, lease=MINUTE)) is not None:
            job, lease = claimed
            await renew(db, lease, now=NOW, totals={"by": owner})
            await finish(db, lease, status=JobStatus.SUCCEEDED, totals={"by": owner}, error=None, now=NOW)
            done.append(job.id)
        return done

    shares = await asyncio.gather(*(work(db, f"worker {n}") for n, db in enumerate(dbs)))
    done = [job_id for share in shares for job_id in share]
    assert len(done) == len(set(done)) == tenants
    jobs = await list_jobs(dbs[0])
    assert {(job.status, job.attempt) for job in jobs} == {(JobStatus.SUCCEEDED, 1)}


async def test_a_lost_job_is_taken_up_by_one(dbs: list[Database], tenant: Tenant) -> None:
    await enqueue(dbs[0], tenant.id, JobKind.MANUAL, now=NOW)
    await claim(dbs[0], "dead", now=NOW, lease=MINUTE)
    await expire(dbs[0])
    taken = await asyncio.gather(*(claim(db, "heir", now=NOW, lease=MINUTE) for db in dbs))
    (heir,) = [claimed for claimed in taken if claimed is not None]
    assert heir[0].attempt == 2


async def test_channels_of_one_job_are_stored_side_by_side_with_its_heartbeat(
    dbs: list[Database], tenant: Tenant, lease: JobLease
) -> None:
    await save_channels(dbs[0], tenant.id, [channel(str(n)) for n in range(8)], NOW)
    states = await channel_states(dbs[0], tenant.id)

    async def read(channel_id: int) -> None:
        for start in range(0, 200, 50):
            page = [message(start + n, attachments=(attachment("1"),)) for n in range(50)]
            batch = MessageBatch(tenant_id=tenant.id, channel_id=channel_id, messages=page, job=lease)
            await save_batch(dbs[channel_id % len(dbs)], batch, NOW)

    async def beat() -> None:
        for n in range(20):
            job = await renew(dbs[-1], lease, now=NOW, totals={"beat": n})
            assert job.totals == {"beat": n}

    await asyncio.gather(beat(), *(read(state.id) for state in states))
    assert await count_of(dbs[0], messages) == 8 * 200
    assert {s.messages_archived for s in await channel_states(dbs[0], tenant.id)} == {200}


async def test_once_a_job_is_taken_over_the_old_worker_commits_nothing(dbs: list[Database], tenant: Tenant) -> None:
    """Whatever the moment: what is stored under the old lease was committed before the new one was given."""
    await save_channels(dbs[0], tenant.id, [channel("1")], NOW)
    (state,) = await channel_states(dbs[0], tenant.id)
    await enqueue(dbs[0], tenant.id, JobKind.MANUAL, now=NOW)
    claimed = await claim(dbs[0], "old", now=NOW, lease=MINUTE)
    assert claimed is not None

    async def store_for_ever(lease: JobLease) -> None:
        number = 0
        while True:
            number += 1
            batch = MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=[message(number)], job=lease)
            await save_batch(dbs[0], batch, NOW)

    async def take_over() -> int:
        for _ in range(10_000):  # PostgreSQL skips a job while a batch of it is being committed
            if await claim(dbs[1], "new", now=NOW, lease=MINUTE) is not None:
                break
            await asyncio.sleep(0)
        return await count_of(dbs[1], messages)

    await expire(dbs[0])
    never_renewed = replace(claimed[1], seconds=-1.0)
    old = asyncio.create_task(store_for_ever(never_renewed))
    await until_stored(dbs[1], messages, 5)
    stored = await take_over()
    with pytest.raises(LeaseLost):
        await old
    assert await count_of(dbs[0], messages) == stored >= 5


async def test_a_job_is_not_taken_over_while_a_batch_of_it_is_being_committed(
    dbs: list[Database], tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    if dbs[0].dialect == "sqlite":
        return  # there the other writer waits for the commit
    batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[message(1)], job=lease)
    await save_batch(dbs[0], batch, NOW)  # the first one locks the job for its foreign key's sake too
    lease = replace(lease, seconds=-2.0)  # so that renewing it does not hide the lock
    await expire(dbs[0])
    async with dbs[0].writing() as connection:
        await advance(connection, lease, general.id, message_id="1", sent_at=NOW, written=["1"], now=NOW)
        assert await claim(dbs[1], "other", now=NOW, lease=MINUTE) is None
    assert await claim(dbs[1], "other", now=NOW, lease=MINUTE) is not None


async def test_a_tenant_saved_by_many_at_once_is_one(dbs: list[Database]) -> None:
    for number in range(25):
        record = TenantRecord(platform_id=str(number), name="Guild")
        saved = await asyncio.gather(*(save_tenant(db, "discord", record, connected=True, now=NOW) for db in dbs * 3))
        assert sum(created for _, created in saved) == 1
        assert len({tenant.id for tenant, _ in saved}) == 1


async def test_of_many_who_want_the_leadership_one_has_it(dbs: list[Database]) -> None:
    tried = await asyncio.gather(
        *(acquire_leadership(db, "discord", ["0/1"], f"process {n}", now=NOW, lease=MINUTE) for n, db in enumerate(dbs))
    )
    assert sum(each["0/1"].is_mine for each in tried) == (1 if dbs[0].dialect == "postgresql" else len(dbs))


async def test_events_and_what_a_job_reads_do_not_wait_for_each_other(
    dbs: list[Database], tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    """Each of these locks many rows; taken in two orders they would block each other, and one would fail."""
    numbers = range(900, 1100)
    family = [channel("5"), *(thread(str(n), "5") for n in range(50, 90))]
    await save_channels(dbs[0], tenant.id, family, NOW)
    records = [message(n, reaction_totals=(total("👍", 2), total("🎉", 1))) for n in numbers]
    batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=records, job=lease)
    await save_batch(dbs[0], batch, NOW)

    async def read() -> None:
        await save_batch(dbs[0], batch, NOW)

    async def fetch() -> None:
        for pending in (await pending_totals(dbs[1], general.id, None, 100))[:40]:
            await save_list(dbs[1], pending, user_hashes=["a", "b"], job=lease, now=NOW)

    async def apply(db: Database, step: int) -> None:
        given = [reaction("c", emoji=emoji, is_given=step > 0) for emoji in ("👍", "🎉")[::step]]
        changes = [change(tenant.id, "5", str(n), reactions=given, edited=message(n)) for n in numbers[::step]]
        await apply_changes(db, changes, NOW)

    async def list_channels(step: int) -> None:
        named = [replace(record, name=str(step)) for record in family[::step]]
        await save_channels(dbs[2], tenant.id, named, NOW)
        await save_changed_channels(dbs[3], tenant.id, named[::-1], NOW)

    for _ in range(5):
        await asyncio.gather(
            *(read(), fetch()),
            *(apply(dbs[2 + n], step) for n, step in enumerate((1, -1))),
            *map(list_channels, (1, -1)),
        )
    assert await count_of(dbs[0], messages) == len(numbers)
