"""More events than any guild sends: nothing is lost, and the connection holds. ``./run bench storm`` is longer."""

from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_current
from tests.support.guilds import guild_of, until_current
from tests.support.process import UNHURRIED, process
from tests.support.storm import storm

pytestmark = [pytest.mark.process, pytest.mark.slow]


async def test_nothing_is_lost_in_a_storm(database_url: str, tmp_path: Path) -> None:
    world = uniform_world(20, 25)
    guild_id = guild_of(world)
    async with (
        Simulator(world) as sim,
        process(tmp_path / "log", sim=sim, url=database_url, settings=UNHURRIED) as daemon,
    ):
        await daemon.synced()
        identified = sim.requests.count("/gateway/bot")
        seen = await storm(sim, world.guilds[guild_id], daemon, a_second=6_300, seconds=1, seed=3)
        assert seen.events > 1_500
        _, job = await daemon.sync(guild_id)
        assert job["status"] == "succeeded"
        await until_current(daemon, database_url, world)
        assert sim.requests.count("/gateway/bot") == identified, "the connection was never lost"
        assert await daemon.stop() == 0
    assert_current(database_url, truth(world, guild_id), guild_id)
