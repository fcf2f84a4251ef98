"""A sync that was cut off goes on behind the last message that was stored, and asks for nothing again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, World, uniform_world
from adapters.discord.simulator.truth import truth
from storage.database import migrate
from tests.support.archive import archived, assert_equal_to_truth
from tests.support.daemon import Daemon, running_daemon
from tests.support.faults import refuse_message

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
WORLD_SIZE, FETCHED = 2_450, 1_900


@pytest.fixture
def world() -> World:
    return uniform_world(1, WORLD_SIZE)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/archive.db"


def ids_of(world: World) -> list[str]:
    """The ids of the channel's messages, oldest first."""
    ((guild_id, _),) = world.guilds.items()
    return [row["platform_id"] for row in truth(world, guild_id).messages()]


async def checkpoint(daemon: Daemon, guild_id: int) -> Any:
    (channel,) = (await daemon.get(f"/api/tenants/discord-{guild_id}/channels"))["channels"]
    return channel["checkpoint_message_id"]


async def test_the_next_sync_goes_on_behind_the_last_message_that_was_stored(world: World, url: str) -> None:
    (guild_id,) = world.guilds
    ids = ids_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("rate_limit", route=MESSAGES, retry_after=0.0, after=FETCHED // 100))
        async with running_daemon(sim, url, ONLY_MESSAGES) as daemon:
            (cut_off,) = await daemon.idle()
            assert cut_off["status"] == "rate_limited"
            assert await checkpoint(daemon, guild_id) == ids[FETCHED - 1]
            sim.requests.clear()
            job = await daemon.sync(guild_id)
            assert (job["status"], job["metrics"]["messages"]) == ("succeeded", WORLD_SIZE - FETCHED)
        starts = [entry.query.get("after") for entry in sim.requests.entries(MESSAGES)]
        assert starts == ids[FETCHED - 1 : WORLD_SIZE - 1 : 100], "messages were left out or requested again"
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_a_retry_goes_on_where_the_failed_sync_was(world: World, url: str) -> None:
    (guild_id,) = world.guilds
    ids = ids_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", status=500, route=MESSAGES, after=FETCHED // 100, times=4))
        async with running_daemon(sim, url, ONLY_MESSAGES) as daemon:
            await daemon.until(
                lambda: daemon.get(f"/api/jobs?tenant_id=discord-{guild_id}"),
                lambda answer: len(answer["jobs"]) == 2 and answer["jobs"][0]["finished_at"],
            )
            retry, failed = (await daemon.get("/api/jobs"))["jobs"]
        starts = [entry.query.get("after") for entry in sim.requests.entries(MESSAGES)][FETCHED // 100 + 4 :]
    assert (failed["status"], failed["metrics"]["messages"]) == ("partial", FETCHED), "what was fetched was lost"
    assert (retry["status"], retry["metrics"]["messages"]) == ("succeeded", WORLD_SIZE - FETCHED)
    assert starts == ids[FETCHED - 1 : WORLD_SIZE - 1 : 100], "messages were left out or requested again"


async def test_nothing_is_stored_behind_a_batch_that_the_database_refused(
    world: World, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The page behind it was fetched already, and the checkpoint would pass over all that was refused."""
    (guild_id,) = world.guilds
    ids = ids_of(world)
    await migrate(url)
    refuse_message(tmp_path / "archive.db", ids[1_500])
    async with Simulator(world) as sim, running_daemon(sim, url, ONLY_MESSAGES) as daemon:
        await daemon.sees(lambda: {"sync broken off", "sync ended"} & {r.getMessage() for r in caplog.records})
        assert sim.requests.count(MESSAGES) == 21, "nothing was fetched behind it"
        assert len(archived(url, "messages", guild_id)) == 1_000
        assert await checkpoint(daemon, guild_id) == ids[999]


async def test_a_thousand_messages_at_a_time_are_committed_while_the_channel_is_read(world: World, url: str) -> None:
    (guild_id,) = world.guilds
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hang", route=MESSAGES, after=FETCHED // 100, times=None))
        async with running_daemon(sim, url, ONLY_MESSAGES) as daemon:
            await daemon.until(lambda: daemon.get("/healthz"), lambda _: sim.requests.count(MESSAGES) == 20)
            stored = archived(url, "messages", guild_id)
            assert len(stored) == 1_000, "the other 900 of those that were fetched wait for their batch"
            assert await checkpoint(daemon, guild_id) == ids_of(world)[999]
            job = {"progress": {"messages": 0}}
            for _ in range(40):
                (job,) = (await daemon.get("/api/jobs"))["jobs"]
                if job["progress"]["messages"]:
                    break
                await asyncio.sleep(0.2)
            assert job["progress"]["messages"] == 1_000, "the running job's progress is not brought up to date"
