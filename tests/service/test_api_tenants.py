"""Stopping a tenant, deleting its archive, and taking it up again: durable, repeatable, and of that tenant alone."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from bot.app import utc_now
from storage.tables import metadata, tenants
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.daemon import ON_POSTGRES, Clock, Daemon, running_daemon
from tests.support.rich_archive import lean_rich_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

SLOW = {"requests_per_second": 20.0}
NO_REACTIONS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
FULL = ("channels", "messages", "attachments", "reaction_totals", "reactions", "sync_jobs", "sync_progress")


def rows_of(database_url: str, guild_id: int) -> dict[str, int]:
    """How many rows of each table belong to a tenant, by whatever key leads to it."""
    tenant_id = f"discord-{guild_id}"
    channels = metadata.tables["channels"]
    own = select(channels.c.id).where(channels.c.tenant_id == tenant_id)
    counts = {}
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        for name, table in metadata.tables.items():
            if name == "change_feeds":  # two numbers, by which who followed its changes learns of the purge
                continue
            if "tenant_id" in table.c:
                is_own = table.c.tenant_id == tenant_id
            elif "channel_id" in table.c:
                is_own = table.c.channel_id.in_(own)
            else:
                continue
            counts[name] = connection.execute(select(func.count()).select_from(table).where(is_own)).scalar_one()
    engine.dispose()
    return counts


def body_for(guild_id: int) -> dict[str, Any]:
    return {"json": {"platform": "discord", "platform_id": str(guild_id)}}


async def syncing(daemon: Daemon, guild_id: int) -> Any:
    """A tenant's job, once it has archived something."""

    async def newest() -> Any:
        status, state = await daemon.ask("GET", f"/api/tenants/discord-{guild_id}/sync")
        return state["job"] if status == 200 else None

    await daemon.until(newest, lambda job: job and job["status"] == "running")
    return await newest()


async def test_a_stopped_tenant_stays_stopped_until_it_is_asked_for(database_url: str) -> None:
    world = uniform_world(1, 150, guilds=2)
    stopped, other = world.guilds
    path, clock = f"/api/tenants/discord-{stopped}", Clock()
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url, clock=clock) as daemon:
            await daemon.idle(2)
            answers = [await daemon.ask("DELETE", path) for _ in range(2)]
            assert [(status, body["purged"], body["messages_deleted"]) for status, body in answers] == [
                (200, False, 0)
            ] * 2
            assert answers[0] == answers[1]
            shown = await daemon.get(path)
            assert (shown["stopped_at"], shown["next_sync_at"]) == (answers[0][1]["stopped_at"], None)
            assert "POST /api/tenants" in shown["hint"]
            status, problem = await daemon.ask("POST", f"{path}/sync")
            assert (status, problem["code"]) == (409, "stopped")
            await leave_and_come_back(sim, daemon, stopped, witness=other)
        sim.change.post(next(iter(world.guilds[stopped].channels)), "not for the archive yet", silent=True)
        clock.ahead = timedelta(days=31)  # beyond the interval of the tests' daemons
        async with running_daemon(sim, database_url, clock=clock) as daemon:
            await daemon.until(
                lambda: newest(daemon, other), lambda job: job["kind"] == "scheduled" and job["finished_at"]
            )
            assert (await newest(daemon, stopped))["kind"] == "initial"
            assert (await daemon.get(path))["totals"]["messages"] == 150
            status, tenant = await daemon.ask("POST", "/api/tenants", **body_for(stopped))
            assert (status, tenant["created"], tenant["stopped_at"], tenant["hint"]) == (200, False, None, None)
            await daemon.job_ended(tenant["job"]["job_id"])
            assert (await daemon.get(path))["next_sync_at"] is not None
    assert_equal_to_truth(database_url, truth(world, stopped), stopped)


async def leave_and_come_back(sim: Simulator, daemon: Daemon, guild_id: int, witness: int) -> None:
    """The bot is removed and added again; a later change of another guild shows that this has been handled."""
    sim.change.join_guild(sim.change.leave_guild(guild_id))
    sim.change.rename_guild(witness, "Renamed")
    await daemon.until(
        lambda: daemon.get(f"/api/tenants/discord-{witness}"), lambda tenant: tenant["name"] == "Renamed"
    )


async def newest(daemon: Daemon, guild_id: int) -> Any:
    return (await daemon.get(f"/api/tenants/discord-{guild_id}/sync"))["job"]


async def test_a_purge_deletes_every_row_of_a_tenant_and_none_of_another(database_url: str) -> None:
    world = lean_rich_world()
    purged, *others = world.guilds
    path = f"/api/tenants/discord-{purged}"
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle(len(world.guilds))
            before, kept = rows_of(database_url, purged), [rows_of(database_url, other) for other in others]
            assert all(before[table] for table in FULL), before
            answers = [await daemon.ask("DELETE", f"{path}?purge=true") for _ in range(2)]
            deleted = [(status, body["purged"], body["messages_deleted"]) for status, body in answers]
            assert deleted == [(200, True, before["messages"]), (200, True, 0)]
            assert not any(rows_of(database_url, purged).values())
            assert [rows_of(database_url, other) for other in others] == kept
            for call in (path, f"{path}/sync", f"{path}/channels"):
                assert (await daemon.ask("GET", call))[0] == 404
            assert (await daemon.ask("POST", f"{path}/sync"))[0] == 404
            shown = {tenant["platform_id"] for tenant in (await daemon.get("/api/tenants"))["tenants"]}
            assert shown == {str(other) for other in others}
            assert (await daemon.get(f"/api/jobs?tenant_id=discord-{purged}"))["jobs"] == []
            await leave_and_come_back(sim, daemon, purged, witness=others[0])
        async with running_daemon(sim, database_url, settings=NO_REACTIONS) as daemon:
            await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
            assert (await daemon.ask("GET", path))[0] == 404
            assert not any(rows_of(database_url, purged).values())
            status, tenant = await daemon.ask("POST", "/api/tenants", **body_for(purged))
            assert (status, tenant["created"], tenant["job"]["kind"]) == (201, True, "initial")
            await daemon.job_ended(tenant["job"]["job_id"])
    for guild_id in world.guilds:
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.parametrize("purge", [False, True])
@ON_POSTGRES
async def test_a_running_sync_is_called_off_first(database_url: str, purge: bool) -> None:
    world = uniform_world(4, 700, guilds=2)
    busy, _ = world.guilds
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url, pace=SLOW, settings=NO_REACTIONS) as daemon:
            job = await syncing(daemon, busy)
            status, answer = await daemon.ask("DELETE", f"/api/tenants/discord-{busy}?purge={str(purge).lower()}")
            assert (status, answer["purged"]) == (200, purge)
            if purge:
                assert not any(rows_of(database_url, busy).values())
            else:
                assert (await daemon.job_ended(job["job_id"]))["status"] == "cancelled"
            status, tenant = await daemon.ask("POST", "/api/tenants", **body_for(busy))
            assert (tenant["created"], tenant["job"]["kind"]) == (purge, "initial")
        async with running_daemon(sim, database_url, settings=NO_REACTIONS) as daemon:
            await daemon.idle(2)
    assert count_messages(database_url) == 5_600


async def test_a_purge_that_was_broken_off_is_finished_at_start(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="bot.tenants")
    world = uniform_world(1, 150, guilds=2)
    purged, other = world.guilds
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle(2)
        engine = create_engine(database_url.replace("+aiosqlite", ""))
        with engine.begin() as connection:  # what storage does first
            is_it = tenants.c.id == f"discord-{purged}"
            connection.execute(tenants.update().where(is_it).values(stopped_at=utc_now(), purged_at=utc_now()))
        engine.dispose()
        async with running_daemon(sim, database_url) as daemon:
            await daemon.until(lambda: daemon.get("/healthz"), lambda _: "tenant purged" in caplog.messages)
            assert not any(rows_of(database_url, purged).values())
            assert (await daemon.ask("GET", f"/api/tenants/discord-{purged}"))[0] == 404
            assert rows_of(database_url, other)["messages"] == 150


async def test_leaving_and_coming_back_while_stopped_starts_nothing(database_url: str) -> None:
    world = uniform_world(1, 20)
    (guild_id,) = world.guilds
    path = f"/api/tenants/discord-{guild_id}"
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        await daemon.ask("DELETE", path)
        guild = sim.change.leave_guild(guild_id)
        await daemon.until(lambda: daemon.get(path), lambda tenant: tenant["sync_status"] == "disconnected")
        assert (await daemon.get(path))["invite_url"]
        sim.change.join_guild(guild)
        await daemon.until(lambda: daemon.get(path), lambda tenant: tenant["sync_status"] == "ok")
        assert (await daemon.get(path))["next_sync_at"] is None
        assert len((await daemon.get("/api/jobs"))["jobs"]) == 1
