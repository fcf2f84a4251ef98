"""The clock enqueues a tenant's sync again after every interval, until it forgets the tenant."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from adapters.discord.simulator import Simulator, uniform_world
from adapters.records import TenantRecord
from bot.app import utc_now
from bot.config import load
from bot.queue import JobQueue
from bot.scheduler import Scheduler
from storage.database import Database, open_database
from storage.jobs import Job, JobKind, JobStatus, cancel, newest_job
from storage.tables import tenants
from storage.tenants import save_tenant
from tests.support.daemon import running_daemon

INTERVAL = timedelta(seconds=1.5)  # no whole seconds: the clock ticks at the exact interval
TENANT = "discord-1"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An archive with a tenant."""
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice="sha256")
    await save_tenant(db, "discord", TenantRecord(platform_id="1", name=None), connected=True, now=utc_now())
    yield db
    await db.close()


async def waiting_job(db: Database) -> Job | None:
    """The tenant's job, once one waits; None where there is none after some seconds."""
    for _ in range(100):
        job = await newest_job(db, TENANT)
        if job is not None and job.status is JobStatus.QUEUED:
            return job
        await asyncio.sleep(0.05)
    return None


@pytest.mark.slow
async def test_a_tenant_is_ticked_for_again_after_every_interval(db: Database) -> None:
    scheduler = Scheduler(JobQueue(db, utc_now), INTERVAL, utc_now)
    scheduler.start()
    try:
        scheduler.follow(TENANT)
        due = scheduler.next_sync_at(TENANT)
        assert due is not None
        assert due - utc_now() <= INTERVAL, "the first tick is more than an interval away"
        for number in (1, 2):
            job = await waiting_job(db)
            assert job is not None, f"tick {number} enqueued nothing"
            assert job.kind is JobKind.SCHEDULED
            following = scheduler.next_sync_at(TENANT)
            assert following is not None, f"nothing is due after tick {number}"
            assert INTERVAL <= following - due < timedelta(minutes=1), f"{following - due} between two ticks"
            due = following
            await cancel(db, job.id, utc_now())
        scheduler.forget(TENANT)
        assert scheduler.next_sync_at(TENANT) is None
    finally:
        await scheduler.stop()


async def test_a_tenant_with_an_interval_of_its_own_is_due_by_that(db: Database) -> None:
    own = timedelta(days=20)
    await save_tenant(db, "discord", TenantRecord(platform_id="2", name=None), connected=True, now=utc_now())
    async with db.writing() as connection:
        await connection.execute(update(tenants).values(last_sync_at=utc_now() - timedelta(hours=2)))
    scheduler = Scheduler(JobQueue(db, utc_now), timedelta(hours=1), utc_now, {TENANT: own})
    scheduler.follow(TENANT)
    scheduler.follow("discord-2")
    assert scheduler._apscheduler.get_job(TENANT).trigger.interval == own
    assert scheduler._apscheduler.get_job("discord-2").trigger.interval == timedelta(hours=1)
    assert await scheduler.overdue("discord") == ["discord-2"]
    assert await Scheduler(JobQueue(db, utc_now), own, utc_now, {TENANT: timedelta(hours=1)}).overdue("discord") == [
        TENANT
    ]


@pytest.mark.usefixtures("restored_addresses")
@pytest.mark.slow
async def test_by_default_tenants_are_synced_hourly_each_at_its_own_minute(tmp_path: Path) -> None:
    interval = load(None, {}).sync.interval
    world = uniform_world(1, 1, guilds=8)
    settings = {"PLATFORM_SYNC_SYNC__INTERVAL": f"{interval.total_seconds():.0f} s"}
    async with Simulator(world) as sim, running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/a.db", settings) as daemon:
        await daemon.idle(8)
        tenants = (await daemon.get("/api/tenants"))["tenants"]
    due = [tenant["next_sync_at"] for tenant in tenants]
    assert all(due), "a tenant is not scheduled"
    assert max(map(datetime.fromisoformat, due)) <= utc_now() + timedelta(hours=1), "it is not hourly"
    assert len(set(due)) == 8, "all are due at one minute"


async def test_ticks_follow_a_clock_that_is_set_back(db: Database) -> None:
    """APScheduler would leave a tick where it was: an hour, or a day, too late."""
    hour, done = timedelta(hours=1), asyncio.Event()

    async def act() -> None:
        done.set()

    scheduler = Scheduler(JobQueue(db, utc_now), hour, utc_now)
    scheduler.start()
    try:
        scheduler.follow(TENANT)
        scheduler.every(hour, "task", act, at_once=True)
        await asyncio.wait_for(done.wait(), 60)
        for name in (TENANT, "task"):  # as they were planned a day ahead of the clock
            scheduler._apscheduler.modify_job(name, next_run_time=utc_now() + timedelta(days=1))
        scheduler.realign()
        for name in (TENANT, "task"):
            due = scheduler.next_sync_at(name)
            assert due is not None
            assert due - utc_now() <= hour
    finally:
        await scheduler.stop()
