"""A guild that Discord shows some time after the bot has connected is archived then, and nothing has failed before."""

from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ONLY_MESSAGES, running_daemon

pytestmark = pytest.mark.usefixtures("restored_addresses")


@pytest.mark.slow
async def test_a_guild_that_arrives_after_the_others(tmp_path: Path) -> None:
    world = uniform_world(1, 20, guilds=2)
    early, late = world.guilds
    world.guilds[late].unavailable = True
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with Simulator(world) as sim, running_daemon(sim, url, ONLY_MESSAGES) as daemon:
        await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
        await daemon.until(
            lambda: daemon.get("/api/jobs"), lambda found: [j["status"] for j in found["jobs"]] == ["succeeded"]
        )
        sim.change.set_guild_available(late)
        await daemon.until(lambda: daemon.get("/api/jobs"), lambda found: len(found["jobs"]) == 2)
        jobs = await daemon.idle(2)
        assert {(job["tenant_id"], job["kind"], job["status"]) for job in jobs} == {
            (f"discord-{guild_id}", "initial", "succeeded") for guild_id in (early, late)
        }
    for guild_id in world.guilds:
        assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.slow
async def test_one_shards_lost_session_gives_its_own_guild_a_gap_and_no_other(tmp_path: Path) -> None:
    world = uniform_world(1, 20, guilds=4)
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with Simulator(world) as sim:
        shards = next(n for n in range(2, 20) if len({(guild_id >> 22) % n for guild_id in world.guilds}) > 1)
        sim.gateway.shards, cut = shards, (min(world.guilds) >> 22) % shards
        async with running_daemon(sim, url, ONLY_MESSAGES) as daemon:
            await daemon.idle(4)
            lost = [guild_id for guild_id in world.guilds if (guild_id >> 22) % shards == cut]
            sim.gateway.lose(cut)

            async def gaps() -> dict[int, int]:
                tenants = {i: await daemon.get(f"/api/tenants/discord-{i}/coverage") for i in world.guilds}
                return {i: len(tenant["gaps"]) for i, tenant in tenants.items()}

            found = await daemon.until(gaps, lambda found: all(found[guild_id] for guild_id in lost))
            assert found == {guild_id: int(guild_id in lost) for guild_id in world.guilds}
