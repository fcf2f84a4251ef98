"""Killed at any instant, an archive holds whole batches with their checkpoints, and goes on from there."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database, open_database
from storage.errors import DatabaseFull, DatabaseUnreachable
from storage.jobs import JobKind, claim, enqueue
from storage.messages import MessageBatch, save_batch
from storage.tables import attachments, messages
from storage.tenants import Tenant, save_tenant
from tests.support.builders import GUILD, MINUTE, NOW, SHA, attachment, channel, message
from tests.support.job_steps import expire, running_job
from tests.support.postgres import Postgres
from tests.support.tables_of import count_of, run_sql, until_stored

BATCH = 50
KILLS = 4


async def store_from_checkpoint(url: str) -> None:
    """What the killed process runs: batches for ever, from where the checkpoint says."""
    db = await open_database(url, hash_choice=SHA)
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await save_channels(db, tenant.id, [channel("1")], NOW)
    await enqueue(db, tenant.id, JobKind.INITIAL, now=NOW)
    (state,) = await channel_states(db, tenant.id)
    await expire(db)  # the lease of the process before
    claimed = await claim(db, "worker", now=NOW, lease=MINUTE)
    assert claimed is not None
    start = int(state.checkpoint_id or 0)
    while True:
        page = [message(start + n, attachments=(attachment("1"),)) for n in range(1, BATCH + 1)]
        batch = MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=page, job=claimed[1])
        await save_batch(db, batch, NOW)
        start += BATCH
        print(start, flush=True)


async def check(db: Database) -> int:
    """Rows, counters and checkpoint agree; returns the checkpoint."""
    (state,) = await channel_states(db, "discord-100")
    checkpoint = int(state.checkpoint_id or 0)
    assert checkpoint % BATCH == 0
    assert state.messages_archived == checkpoint
    assert [await count_of(db, table) for table in (messages, attachments)] == [checkpoint] * 2
    return checkpoint


@pytest.mark.process
@pytest.mark.slow
async def test_a_killed_process_leaves_whole_batches(database_url: str) -> None:
    seeded = random.Random(5)  # instants, not secrets
    stored = 0
    for _ in range(KILLS):
        program = (
            f"import asyncio, tests.storage.test_crash as t; asyncio.run(t.store_from_checkpoint({database_url!r}))"
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        assert int(await process.stdout.readline()) == stored + BATCH  # it went on where the other ended
        await asyncio.sleep(seeded.uniform(0.0, 0.1))
        process.kill()
        said = [int(line) for line in (await process.communicate())[0].splitlines() if line.strip()]
        db = await open_database(database_url, hash_choice=SHA)
        stored = await check(db)
        await db.close()
        assert stored >= max(said, default=BATCH)


@pytest.mark.slow
async def test_a_killed_server_leaves_whole_batches(postgres: Postgres) -> None:
    db = await open_database(postgres.create_database(), hash_choice=SHA)
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await save_channels(db, tenant.id, [channel("1")], NOW)
    (state,) = await channel_states(db, tenant.id)
    lease = await running_job(db, tenant.id)

    async def store(start: int) -> None:
        while True:
            page = [message(start + n, attachments=(attachment("1"),)) for n in range(1, BATCH + 1)]
            await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=page, job=lease), NOW)
            start += BATCH

    stored = 0
    for _ in range(2):
        storing = asyncio.create_task(store(stored))
        await until_stored(db, messages, stored + 2 * BATCH)
        await asyncio.to_thread(postgres.kill)
        with pytest.raises(DatabaseUnreachable) as refused:
            await storing
        assert refused.value.is_transient
        postgres.restart()
        stored = await check(db)
    await db.close()


@pytest.mark.slow
async def test_a_full_disk_loses_nothing_committed(tmp_path: Path) -> None:
    db = await open_database(f"sqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    tenant, state = await _channel(db)
    lease = await running_job(db, tenant.id)

    async def store(start: int) -> None:
        page = [message(start + n, content="x" * 2000, attachments=(attachment("1"),)) for n in range(1, BATCH + 1)]
        await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=page, job=lease), NOW)

    await store(0)
    await run_sql(db, "PRAGMA max_page_count = 100")  # of the one connection that writes
    with pytest.raises(DatabaseFull, match="make room") as refused:
        await store(BATCH)
    assert refused.value.is_transient
    assert await check(db) == BATCH
    await run_sql(db, "PRAGMA max_page_count = 100000")
    await store(BATCH)
    assert await check(db) == 2 * BATCH
    await db.close()


async def _channel(db: Database) -> tuple[Tenant, ChannelState]:
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await save_channels(db, tenant.id, [channel("1")], NOW)
    return tenant, (await channel_states(db, tenant.id))[0]
