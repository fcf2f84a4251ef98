"""A daemon that is stopped for longer than its leases last, beside another one on the same Postgres."""

import signal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from storage.tables import sync_jobs
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.postgres import Postgres
from tests.support.process import NO_REACTIONS, UNHURRIED, Process, process

pytestmark = [pytest.mark.process, pytest.mark.slow]

PAGES = 20


def owner_of_the_job(url: str) -> str:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(select(sync_jobs.c.owner).where(sync_jobs.c.status == "running")).scalar() or ""
    finally:
        engine.dispose()


def is_run_by(url: str, daemon: Process) -> bool:
    return f":{daemon.process.pid}:" in owner_of_the_job(url)


async def test_its_job_is_taken_over_once_and_it_goes_on(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create_database()
    world = uniform_world(2, PAGES // 2 * 100)
    ((guild_id, _),) = world.guilds.items()
    settings = UNHURRIED | NO_REACTIONS | {"PLATFORM_SYNC_SYNC__BATCH_SIZE": "100"}
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route="/channels/{channel_id}/messages", after=PAGES // 2, times=None))
        async with process(tmp_path / "first", sim=sim, url=url, settings=settings) as first:
            await first.until(lambda: is_run_by(url, first) and count_messages(url) > 0, look_every=0.1)
            async with process(tmp_path / "second", sim=sim, url=url, settings=settings) as second:
                await second.url()
                first.process.send_signal(signal.SIGSTOP)
                await second.until(lambda: is_run_by(url, second), look_every=0.25)
                first.process.send_signal(signal.SIGCONT)
                sim.faults.clear()
                await second.synced()
                await first.until(lambda: "taken over or ended elsewhere" in first.log)
                job = (await first.get(f"/api/tenants/discord-{guild_id}/sync"))["job"]
                assert (job["status"], job["attempt"]) == ("succeeded", 2)
                assert job["metrics"]["messages"] == PAGES * 100 == count_messages(url)
                for daemon in (first, second):
                    assert "Traceback" not in daemon.log
                    assert await daemon.stop() == 0
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])
