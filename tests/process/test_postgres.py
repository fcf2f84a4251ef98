"""Several daemons on one Postgres, and a Postgres that goes away in the middle of a sync."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.discord.simulator.worlds import uniform_world
from storage.tables import sync_jobs
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.postgres import Postgres
from tests.support.process import UNHURRIED, Process, process

MESSAGES = "/channels/{channel_id}/messages"
# Slow enough for what happens to find the sync under way.
SETTINGS = UNHURRIED | {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "150",
    "PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": "1",
    "PLATFORM_SYNC_SYNC__REACTION_USERS": "false",
}


def running_owners(url: str) -> dict[str, str]:
    """Which process runs each tenant's sync."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            query = select(sync_jobs.c.tenant_id, sync_jobs.c.owner).where(sync_jobs.c.status == "running")
            return {row.tenant_id: row.owner for row in connection.execute(query)}
    finally:
        engine.dispose()


def is_of(owner: str, daemon: Process) -> bool:
    return f":{daemon.process.pid}:" in owner


@pytest.mark.timeout(180)
async def test_a_killed_daemons_job_is_taken_over_by_another(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create_database()
    world = uniform_world(4, 8_000, guilds=2)
    async with (
        Simulator(world) as sim,
        process(tmp_path / "first", sim=sim, database_url=url, **SETTINGS) as first,
        process(tmp_path / "second", sim=sim, database_url=url, **SETTINGS) as second,
    ):
        async with asyncio.timeout(30):
            while len(owners := running_owners(url)) < 2 or count_messages(url) < 4_000:  # noqa: ASYNC110 (of another process)
                await asyncio.sleep(0.05)
        (orphan,) = [tenant_id for tenant_id, owner in owners.items() if is_of(owner, first)]
        await first.kill()
        await second.synced()
        job = (await second.get(f"/api/tenants/{orphan}/sync"))["job"]
        assert (job["status"], job["attempt"]) == ("succeeded", 2)
        assert await second.stop() == 0
    for guild_id in world.guilds:
        assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.timeout(180)
async def test_a_postgres_that_is_killed_and_comes_back_needs_no_restart_of_the_daemon(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create_database()
    world = uniform_world(4, 8_000)
    (guild_id,) = world.guilds
    async with (
        Simulator(world) as sim,
        process(tmp_path / "log", sim=sim, database_url=url, **SETTINGS) as daemon,
    ):
        await daemon.until(lambda: sim.requests.count(MESSAGES) > 100)
        postgres.kill()
        ready = await daemon.get("/readyz")
        assert (ready["status"], "database" in ready["reasons"]) == (503, True)
        await asyncio.sleep(1)
        postgres.restart()
        await daemon.synced()
        assert await daemon.stop() == 0
        assert "Traceback" not in daemon.log
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])
