"""Tenants share the bot: a small one's sync is not stuck behind a giant's first one."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest

from adapters.discord.rest import RateLimiter, RequestScope
from adapters.discord.simulator import Simulator, uneven_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import running_daemon
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.usefixtures("restored_addresses")

ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}


@pytest.mark.slow
@pytest.mark.parametrize("places", [1, 4])
async def test_five_small_tenants_beside_a_giants_first_sync(tmp_path: Path, places: int) -> None:
    """With one place the giant makes room; with more the requests take turns."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uneven_world([200_000] + [120] * 5, channels=4)
    giant, *small = world.guilds
    settings = {
        **ONLY_MESSAGES,
        "PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": str(places),
        "PLATFORM_SYNC_SYNC__TIME_SLICE": "1 s",
    }
    async with Simulator(world) as sim:
        guilds = [sim.change.leave_guild(guild_id, silent=True) for guild_id in small]
        async with running_daemon(sim, url, settings=settings) as daemon:
            await daemon.until(
                lambda: daemon.get("/api/tenants"),
                lambda page: sum(tenant["totals"]["messages"] for tenant in page["tenants"]) > 1_000,
            )
            for guild in guilds:
                sim.change.join_guild(guild)

            async def statuses() -> dict[str, str]:
                return {t["platform_id"]: t["sync_status"] for t in (await daemon.get("/api/tenants"))["tenants"]}

            await daemon.until(statuses, lambda found: all(found.get(str(guild_id)) == "ok" for guild_id in small))
            assert (await statuses())[str(giant)] != "ok", "the giant is far from done"
            job = (await daemon.get(f"/api/tenants/discord-{giant}/sync"))["job"]
            assert job["finished_at"] is None
            if places == 1:
                await daemon.until(
                    lambda: daemon.get(f"/api/jobs/{job['job_id']}"), lambda job: job["status"] == "running"
                )
    for guild_id in small:
        assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_the_bots_queue_is_taken_in_turns_by_syncs_not_by_requests() -> None:
    pace = RateLimiter(1_000, 1_000, 1_000)
    order: list[str] = []

    async def ask(sync: str, context: RequestScope, channel: int) -> None:
        await pace.acquire(f"{sync}{channel}", context.queue_lock)
        order.append(sync)

    giant, small = RequestScope(), RequestScope()
    async with asyncio.TaskGroup() as group:
        for channel in range(64):
            group.create_task(ask("giant", giant, channel))
        await asyncio.sleep(0)
        for channel in range(5):
            group.create_task(ask("small", small, channel))
    assert max(place for place, sync in enumerate(order) if sync == "small") <= 12


async def test_who_stands_alone_waits_for_nobody() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await RateLimiter(1_000, 1_000, 1_000).acquire(None, nullcontext())
