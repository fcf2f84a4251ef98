"""SIGKILL at any instant loses nothing, doubles nothing, and nothing that was committed is fetched again.

``./run test --kills 100`` kills more often.
"""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, create_engine, func, select
from sqlalchemy.exc import DBAPIError

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from storage.tables import channels, reaction_totals, sync_progress
from tests.support.archive import assert_equal_to_truth
from tests.support.guilds import assert_complete, guild_of
from tests.support.process import NO_REACTIONS, NO_REPAIRS, UNHURRIED, process

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(0)]  # as long as the option says

USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
ROUTE = "/channels/{channel_id}/messages"
CHANNELS, PAGES_OF_A_BATCH = 4, 3
MOST_PAGES_OF_A_LIFE = 24  # enough for every channel to store a batch
MOST_LISTS_OF_A_LIFE, LISTS_OF_A_TRANSACTION = 300, 100
MESSAGES_OF_A_LIFE = 400  # a channel's, more than a life stores on average: the sync must outlast the kills
MOST_PAUSE_SECONDS = 0.03  # a page takes less
SMALL_BATCHES = {"PLATFORM_SYNC_SYNC__BATCH_SIZE": str(100 * PAGES_OF_A_BATCH)}
ONLY_MESSAGES = UNHURRIED | NO_REACTIONS | NO_REPAIRS | SMALL_BATCHES
ON_BOTH = pytest.mark.parametrize(
    ("database_url", "one_in"),  # on Postgres a life begins when the lease of the one before has run out
    [("sqlite", 1), ("postgresql", 15)],
    indirect=["database_url"],
    ids=["sqlite", "postgres"],
)


@ON_BOTH
async def test_killed_at_random_instants_the_archive_still_equals_the_guild(
    database_url: str, one_in: int, kills: int, tmp_path: Path
) -> None:
    kills = max(2, kills // one_in)
    chance = random.Random(20_261_124)
    messages = MESSAGES_OF_A_LIFE * max(kills, 5)
    world = uniform_world(CHANNELS, messages)
    log = tmp_path / "daemon.log"
    async with Simulator(world) as sim:
        for _ in range(kills - 1):
            await _one_life(sim, log, database_url, chance.randint(1, MOST_PAGES_OF_A_LIFE), chance)
        await _one_life(sim, log, database_url, MOST_PAGES_OF_A_LIFE, chance)
        assert _checkpoints(database_url), f"{MOST_PAGES_OF_A_LIFE} pages are more than a batch of each channel"
        async with process(log, sim=sim, url=database_url, settings=ONLY_MESSAGES) as daemon:
            await daemon.synced()
            assert await daemon.stop() == 0
        pages, ends = CHANNELS * messages // 100, 2 * CHANNELS  # a full last page: one more sees the end, one confirms
        lost = kills * CHANNELS * (PAGES_OF_A_BATCH + 1)  # a batch is stored when the page behind it has come
        assert pages <= sim.requests.count(ROUTE) <= pages + ends + lost
    assert_complete(world, database_url)


@ON_BOTH
async def test_killed_among_the_reactions_no_list_that_was_stored_is_fetched_again(
    database_url: str, one_in: int, kills: int, tmp_path: Path
) -> None:
    kills = max(1, kills // 5 // one_in)
    chance = random.Random(20_261_125)
    world = uniform_world(CHANNELS, 200 * max(kills, 2))
    guild_id = guild_of(world)
    log = tmp_path / "daemon.log"
    lost = 0
    async with Simulator(world) as sim:
        for _ in range(kills):
            before, stored = sim.requests.count(USERS), _stored_lists(database_url)
            last = before + chance.randint(1, MOST_LISTS_OF_A_LIFE)
            async with process(log, sim=sim, url=database_url, settings=UNHURRIED) as daemon:
                await daemon.until(lambda: sim.requests.count(USERS) >= last)  # noqa: B023 (awaited here)
                await asyncio.sleep(chance.uniform(0.0, MOST_PAUSE_SECONDS))
                await daemon.kill()
            unstored = sim.requests.count(USERS) - before - (_stored_lists(database_url) - stored)
            assert 0 <= unstored <= 2 * LISTS_OF_A_TRANSACTION + CHANNELS
            lost += unstored
        async with process(log, sim=sim, url=database_url, settings=UNHURRIED) as daemon:
            await daemon.synced()
            assert await daemon.stop() == 0
        # All of this world have one page; a kill loses those of a transaction, and the one that each channel was about.
        totals = list(truth(world, guild_id).reaction_totals())
        assert all(total["count"] <= 100 for total in totals)
        lists = {(total["message_platform_id"], total["emoji_key"], total["burst"]) for total in totals}
        assert sim.requests.count(USERS) == len(lists) + lost
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def _one_life(sim: Simulator, log: Path, database_url: str, pages: int, chance: random.Random) -> None:
    """Start, and be killed after so many pages; every page of it lay beyond its channel's checkpoint."""
    checkpoints = _checkpoints(database_url)
    before = sim.requests.count(ROUTE)
    async with process(log, sim=sim, url=database_url, settings=ONLY_MESSAGES) as daemon:
        await daemon.until(lambda: sim.requests.count(ROUTE) >= before + pages)
        await asyncio.sleep(chance.uniform(0.0, MOST_PAUSE_SECONDS))
        await daemon.kill()
    for entry in sim.requests.entries(ROUTE)[before:]:
        assert int(entry.query["after"]) >= checkpoints.get(str(entry.channel_id), 0)


def _stored_lists(database_url: str) -> int:
    """Return how many lists of users are stored."""
    is_stored = reaction_totals.c.fetched_count == reaction_totals.c["count"]
    return sum(count for (count,) in _rows(database_url, select(func.count()).where(is_stored)))


def _checkpoints(database_url: str) -> dict[str, int]:
    """Return each channel's checkpoint."""
    query = select(channels.c.platform_id, sync_progress.c.last_message_platform_id).join_from(channels, sync_progress)
    return {channel: int(last) for channel, last in _rows(database_url, query) if last}


def _rows(database_url: str, query: Select[Any]) -> Sequence[Any]:
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return connection.execute(query).all()
    except DBAPIError:  # before the first life there are no tables
        return []
    finally:
        engine.dispose()
