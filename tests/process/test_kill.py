"""SIGKILL at any instant loses nothing, doubles nothing, and nothing that was committed is fetched again."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.discord.simulator.worlds import uniform_world
from storage.tables import channels, sync_progress
from tests.support.archive import assert_equal_to_truth
from tests.support.process import NO_REPAIRS, UNHURRIED, process

USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
ROUTE = "/channels/{channel_id}/messages"
CHANNELS, MESSAGES = 4, 20_000
PAGES = CHANNELS * MESSAGES // 100
PAGES_OF_A_BATCH = 10
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false", **NO_REPAIRS}
# Slow enough for every kill at a random instant to find the sync under way.
PACED = UNHURRIED | {"PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100"}


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("database_url", "kills", "pace"),  # slow enough not to be done by then
    [("sqlite", 30, "40"), ("postgresql", 2, "100")],
    indirect=["database_url"],
    ids=["sqlite", "postgres"],
)
async def test_killed_at_random_instants_the_archive_still_equals_the_guild(
    database_url: str, kills: int, pace: str, tmp_path: Path
) -> None:
    chance = random.Random(20_261_124)
    world = uniform_world(CHANNELS, MESSAGES)
    (guild_id,) = world.guilds
    log = tmp_path / "daemon.log"
    async with Simulator(world) as sim:
        for _ in range(kills):
            await _one_life(sim, log, database_url, chance.uniform(0.0, 1.1), pace)
        assert len(_committed(database_url)) > 0
        async with process(log, sim=sim, database_url=database_url, **UNHURRIED, **ONLY_MESSAGES) as daemon:
            await daemon.synced()
            assert await daemon.stop() == 0
        assert PAGES <= sim.requests.count(ROUTE) <= PAGES + kills * CHANNELS * PAGES_OF_A_BATCH
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("database_url", "kills"),
    [("sqlite", 4), ("postgresql", 1)],
    indirect=["database_url"],
    ids=["sqlite", "postgres"],
)
async def test_killed_among_the_reactions_no_list_that_was_stored_is_fetched_again(
    database_url: str, kills: int, tmp_path: Path
) -> None:
    chance = random.Random(20_261_125)
    world = uniform_world(CHANNELS, 1_000)
    (guild_id,) = world.guilds
    log = tmp_path / "daemon.log"
    async with Simulator(world) as sim:
        for _ in range(kills):
            before = sim.requests.count(USERS)
            async with process(log, sim=sim, database_url=database_url, **PACED) as daemon:
                await daemon.until(lambda: sim.requests.count(USERS) > before)  # noqa: B023 (awaited here)
                await asyncio.sleep(chance.uniform(0.0, 0.7))
                await daemon.kill()
        async with process(log, sim=sim, database_url=database_url, **UNHURRIED) as daemon:
            await daemon.synced()
            assert await daemon.stop() == 0
        # All lists of this world have one page; a kill loses the one that each channel was about.
        totals = list(truth(world, guild_id).reaction_totals())
        assert all(total["count"] <= 100 for total in totals)
        lists = {(total["message_platform_id"], total["emoji_key"], total["burst"]) for total in totals}
        assert len(lists) <= sim.requests.count(USERS) <= len(lists) + kills * CHANNELS
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def _one_life(sim: Simulator, log: Path, database_url: str, seconds: float, pace: str) -> None:
    """Start, be killed so long after the first page was asked for; every page asked for lay beyond its checkpoint."""
    committed = _committed(database_url)
    before = sim.requests.count(ROUTE)
    settings = PACED | ONLY_MESSAGES | {"PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": pace}
    async with process(log, sim=sim, database_url=database_url, **settings) as daemon:
        await daemon.until(lambda: sim.requests.count(ROUTE) > before)
        await asyncio.sleep(seconds)
        await daemon.kill()
    for entry in sim.requests.entries(ROUTE)[before:]:
        assert int(entry.query["after"]) >= committed.get(str(entry.channel_id), 0)


def _committed(database_url: str) -> dict[str, int]:
    """Each channel's checkpoint."""
    query = select(channels.c.platform_id, sync_progress.c.last_message_platform_id).join_from(channels, sync_progress)
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return {channel: int(last) for channel, last in connection.execute(query) if last}
    except Exception:  # noqa: BLE001 (before the first life there are no tables)
        return {}
    finally:
        engine.dispose()
