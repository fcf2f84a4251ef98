"""What enqueues a job wakes the worker, whichever of the two comes first."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.records import TenantRecord
from bot.app import utc_now
from bot.queue import JobQueue
from storage.database import open_database
from storage.jobs import JobKind
from storage.tenants import save_tenant
from tests.support.patience import PATIENCE_SECONDS

SOON, NEVER = PATIENCE_SECONDS, 3600.0


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[JobQueue]:
    """A queue with one tenant, ``discord-1``."""
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice="sha256")
    await save_tenant(db, "discord", TenantRecord(platform_id="1", name=None), connected=True, now=utc_now())
    yield JobQueue(db, utc_now)
    await db.close()


async def returns_within(seconds: float, queue: JobQueue) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await queue.wait(NEVER)
    except TimeoutError:
        return False
    return True


@pytest.mark.slow
async def test_a_waiting_worker_is_woken(queue: JobQueue) -> None:
    waiting = asyncio.create_task(returns_within(SOON, queue))
    await asyncio.sleep(0)
    await queue.enqueue("discord-1", JobKind.MANUAL)
    assert await waiting


async def test_a_job_that_is_enqueued_while_the_queue_is_read_is_not_missed(queue: JobQueue) -> None:
    await queue.enqueue("discord-1", JobKind.MANUAL)
    assert await returns_within(SOON, queue)
    assert not await returns_within(0.05, queue), "it is announced once"


@pytest.mark.slow
async def test_without_news_the_wait_ends_by_itself(queue: JobQueue) -> None:
    async with asyncio.timeout(SOON):
        await queue.wait(0.01)
