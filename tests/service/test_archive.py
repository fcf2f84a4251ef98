"""The archive equals the guild: every table held against the simulator's truth, row by row and field by field."""

import pytest

from adapters.discord.simulator import Simulator, rich_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


@pytest.mark.parametrize(
    ("database_url", "key"),
    [("sqlite", None), ("postgresql", b"a key")],
    indirect=["database_url"],
    ids=["sqlite-plain", "postgresql-keyed"],
)
async def test_every_guild_of_the_rich_world_is_archived_exactly(database_url: str, key: bytes | None) -> None:
    world = rich_world()
    async with Simulator(world) as sim:
        sim.rest.short_pages = 0.3
        async with running_daemon(sim, database_url, key=key) as daemon:
            jobs = await daemon.idle(len(world.guilds))
            assert [(job["status"], job["error"]) for job in jobs] == [("succeeded", None)] * len(world.guilds)
        for guild_id in world.guilds:
            assert_equal_to_truth(database_url, truth(world, guild_id, key), guild_id)
