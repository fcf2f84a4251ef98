"""Several daemons on one Postgres, and a Postgres that goes away in the middle of a sync."""

import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from storage.tables import sync_jobs
from tests.support.archive import assert_equal_to_truth
from tests.support.guilds import assert_complete
from tests.support.postgres import Postgres
from tests.support.process import NO_REACTIONS, UNHURRIED, Process, process

pytestmark = [pytest.mark.process, pytest.mark.slow]

MESSAGES = "/channels/{channel_id}/messages"
SETTINGS = (
    UNHURRIED | NO_REACTIONS | {"PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": "1", "PLATFORM_SYNC_SYNC__BATCH_SIZE": "300"}
)
PAGES = 20  # of each guild, or of each channel of the only one
# The sync stands still amidst its pages, however fast or slow the machine is.
HELD = Fault("hold", route=MESSAGES, after=PAGES // 2, times=None)


def running_owners(url: str) -> dict[str, str]:
    """Return which process runs each tenant's sync."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            query = select(sync_jobs.c.tenant_id, sync_jobs.c.owner).where(sync_jobs.c.status == "running")
            return {row.tenant_id: row.owner for row in connection.execute(query)}
    finally:
        engine.dispose()


def is_of(owner: str, daemon: Process) -> bool:
    return f":{daemon.process.pid}:" in owner


async def test_a_killed_daemons_job_is_taken_over_by_another(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create_database()
    world = uniform_world(2, PAGES // 2 * 100, guilds=2)
    async with Simulator(world) as sim:
        sim.faults.add(HELD)
        async with (
            process(tmp_path / "first", sim=sim, url=url, settings=SETTINGS) as first,
            process(tmp_path / "second", sim=sim, url=url, settings=SETTINGS) as second,
        ):
            await first.until(lambda: len(running_owners(url)) == 2, look_every=0.1)
            (orphan,) = [tenant_id for tenant_id, owner in running_owners(url).items() if is_of(owner, first)]
            await first.kill()
            sim.faults.clear()
            await second.synced()
            job = (await second.get(f"/api/tenants/{orphan}/sync"))["job"]
            assert (job["status"], job["attempt"]) == ("succeeded", 2)
            assert await second.stop() == 0
    for guild_id in world.guilds:
        assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_a_postgres_that_hangs_is_told_in_time_and_needs_no_restart(postgres: Postgres, tmp_path: Path) -> None:
    """Its connections stay open, and nothing answers."""
    world = uniform_world(2, 10)
    async with Simulator(world) as sim:
        (guild_id,) = world.guilds
        url = postgres.create_database()
        async with process(tmp_path / "log", sim=sim, url=url, settings=SETTINGS) as daemon:
            await daemon.synced()
            with postgres.stopped():
                began = time.monotonic()
                ready = await daemon.get("/readyz")
                assert (ready["status"], set(ready["reasons"])) == (503, {"database"})
                assert time.monotonic() - began < 2
                assert await daemon.get("/healthz") == {"status": "ok"}
            _, job = await daemon.sync(guild_id)
            assert job["status"] == "succeeded"
            assert await daemon.get("/readyz") == {"status": "ready"}
            assert await daemon.stop() == 0
            assert "Traceback" not in daemon.log


async def test_a_postgres_that_is_killed_and_comes_back_needs_no_restart_of_the_daemon(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create_database()
    world = uniform_world(2, PAGES * 100)
    async with Simulator(world) as sim:
        sim.faults.add(HELD)
        async with process(tmp_path / "log", sim=sim, url=url, settings=SETTINGS) as daemon:
            await daemon.until(lambda: sim.requests.count(MESSAGES) > PAGES // 2)
            postgres.kill()
            ready = await daemon.get("/readyz")
            assert (ready["status"], "database" in ready["reasons"]) == (503, True)
            sim.faults.clear()
            await daemon.until(lambda: "sync broken off" in daemon.log)
            postgres.restart()
            await daemon.synced()
            assert await daemon.stop() == 0
            assert "Traceback" not in daemon.log
    assert_complete(world, url)
