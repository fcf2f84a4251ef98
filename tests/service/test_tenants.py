"""Tenants follow the guilds the bot is in; every tenant is synced at once, hourly, and after a missed tick."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from adapters.records import TenantRecord
from bot.app import utc_now
from bot.queue import JobQueue
from bot.scheduler import Scheduler
from storage import jobs
from storage.database import open_database
from storage.jobs import JobKind
from storage.tenants import save_tenant
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.daemon import ON_POSTGRES, Clock, Daemon, running_daemon
from tests.support.guilds import guild_of
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import INTERVAL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


async def status_of(daemon: Daemon, guild_id: int, wanted: str) -> None:
    await daemon.until(
        lambda: daemon.get(f"/api/tenants/discord-{guild_id}"), lambda tenant: tenant["sync_status"] == wanted
    )


async def test_joining_leaving_and_coming_back(database_url: str) -> None:
    world = uniform_world(1, 150, guilds=2)
    stays, moves = world.guilds
    async with Simulator(world) as sim:
        guild = sim.change.leave_guild(moves, silent=True)
        async with running_daemon(sim, database_url) as daemon:
            assert len(await daemon.idle()) == 1
            sim.change.join_guild(guild)
            await daemon.idle(2)
            assert count_messages(database_url) == 300
            sim.change.leave_guild(moves)
            await status_of(daemon, moves, "disconnected")
            status, problem = await daemon.ask("POST", f"/api/tenants/discord-{moves}/sync")
            assert (status, problem["code"]) == (409, "disconnected")
            assert "oauth2/authorize" in problem["invite_url"]
            assert count_messages(database_url) == 300
            sim.change.join_guild(guild)
            await status_of(daemon, moves, "ok")
    for guild_id in (stays, moves):
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_what_happened_while_the_daemon_was_down_is_made_up_for(database_url: str) -> None:
    world = uniform_world(1, 150, guilds=3)
    stays, leaves, joins = world.guilds
    clock = Clock()
    async with Simulator(world) as sim:
        guild = sim.change.leave_guild(joins, silent=True)
        async with running_daemon(sim, database_url, clock=clock) as daemon:
            await daemon.idle(2)
        sim.change.join_guild(guild, silent=True)
        sim.change.leave_guild(leaves, silent=True)
        sim.change.rename_guild(stays, "Renamed", silent=True)
        sim.change.post(next(iter(world.guilds[stays].channels)), "while you were out", silent=True)
        clock.ahead = 2 * INTERVAL
        async with running_daemon(sim, database_url, clock=clock) as daemon:
            await status_of(daemon, leaves, "disconnected")
            await daemon.idle(3)
    for guild_id in (stays, joins):
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_POSTGRES
async def test_an_outage_disconnects_nobody(database_url: str) -> None:
    world = uniform_world(1, 150)
    guild_id = guild_of(world)
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        sim.change.set_guild_unavailable(guild_id)
        job = await daemon.until(lambda: daemon.sync(guild_id), lambda job: job["status"] == "failed")
        assert job["error"]["code"] == "tenant_unavailable"
        assert (await daemon.get(f"/api/tenants/discord-{guild_id}"))["sync_status"] == "failed"
        sim.change.set_guild_available(guild_id)
        await daemon.until(lambda: daemon.sync(guild_id), lambda job: job["status"] == "succeeded")


async def test_a_followed_tenant_is_ticked_for_at_its_instant_until_forgotten(tmp_path: Path) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice="sha256")
    queue = JobQueue(db, utc_now)
    scheduler = Scheduler(queue, timedelta(seconds=1), utc_now)
    scheduler.start()
    try:
        record = TenantRecord(platform_id="1", name=None)
        tenant, _ = await save_tenant(db, "discord", record, connected=True, now=utc_now())
        before = utc_now()
        scheduler.follow(tenant.id)
        due = scheduler.next_sync_at(tenant.id)
        assert due is not None
        assert before < due <= utc_now() + timedelta(seconds=1)
        await queue.wait(PATIENCE_SECONDS)
        assert utc_now() >= due
        assert [job.kind for job in await jobs.list_jobs(db, tenant_id=tenant.id)] == [JobKind.SCHEDULED]
        scheduler.forget(tenant.id)
        assert scheduler.next_sync_at(tenant.id) is None
    finally:
        await scheduler.stop()
        await db.close()


async def test_tenants_can_be_left_to_the_operator(database_url: str) -> None:
    world = uniform_world(1, 50, guilds=2)
    chosen, _ = world.guilds
    no_auto = {"PLATFORM_SYNC_DISCORD__AUTO_CREATE_TENANTS": "false"}
    async with Simulator(world) as sim, running_daemon(sim, database_url, settings=no_auto) as daemon:
        await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
        assert (await daemon.get("/api/tenants"))["tenants"] == []
        request = {"platform": "discord", "platform_id": str(chosen)}
        status, tenant = await daemon.ask("POST", "/api/tenants", json=request)
        assert (status, tenant["created"], tenant["job"]["kind"]) == (201, True, "initial")
        await daemon.idle()
        status, tenant = await daemon.ask("POST", "/api/tenants", json=request)
        assert (status, tenant["created"], tenant["job"]) == (200, False, None)
        assert count_messages(database_url) == 50
