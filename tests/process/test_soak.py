"""A living guild under a daemon that is killed, cut off, invalidated and refused at random: the archive stays true.

``./run test --soak-minutes 30`` goes on for longer than the gates have time for.
"""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, create_engine, func, select

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from storage.tables import IS_PENDING, live_state, reaction_totals, refetch_ranges, sync_gaps
from tests.support.archive import assert_current
from tests.support.guilds import guild_of, until_current
from tests.support.process import UNHURRIED, Process, process
from tests.support.unrest import Unrest

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(0)]  # as long as the option says

CHANNELS, MESSAGES, CHANGES = 200, 60, 250
MOST_SYNCS = 20
# Half of the world's history lies in the window before a gap; gaps come later, so that a little less is promised.
LOOKBACK = timedelta(seconds=30 * MESSAGES // 2)
PROMISED = LOOKBACK - timedelta(minutes=1)
SETTINGS = UNHURRIED | {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": str(int(LOOKBACK.total_seconds()))}
REMAINING = (
    select(func.count()).select_from(refetch_ranges),
    select(func.count()).select_from(sync_gaps).where(sync_gaps.c.repaired_at.is_(None)),
    select(func.count()).select_from(reaction_totals).where(IS_PENDING),
)


@pytest.mark.parametrize("seed", [1])
async def test_whatever_happens_the_archive_stays_true(
    database_url: str, seed: int, soak_minutes: float, tmp_path: Path
) -> None:
    url, log, chance = database_url, tmp_path / "log", random.Random(seed)
    world = uniform_world(CHANNELS, MESSAGES, now=datetime.now(UTC))
    guild_id = guild_of(world)
    ends_at, rounds = time.monotonic() + 60 * soak_minutes, 0
    async with Simulator(world) as sim:
        unrest = Unrest(sim, world.guilds[guild_id], seed)
        while rounds == 0 or time.monotonic() < ends_at:
            rounds += 1
            async with process(log, sim=sim, url=url, settings=SETTINGS) as daemon:
                await live_through(sim, unrest, daemon, url, chance)
                if rounds % 2:
                    await daemon.kill()
                else:
                    assert await daemon.stop() == 0
            await unrest.happen(CHANGES, silent=True)
        async with process(log, sim=sim, url=url, settings=SETTINGS) as daemon:
            await daemon.synced()
            await leads(daemon, url)
            await sync_until_nothing_remains(daemon, guild_id, url, kind="audit")
            await until_current(daemon, url, world)
            coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
            assert coverage["audited_at"]
            assert await daemon.stop() == 0
    assert_current(url, truth(world, guild_id), guild_id)
    assert set(unrest.done) >= {"post", "edit", "delete", "react", "unreact", "hide", "show", "thread", "archive"}


async def live_through(sim: Simulator, unrest: Unrest, daemon: Process, url: str, chance: random.Random) -> None:
    """Upset a daemon three times while its guild goes on, and hold the archive against the guild after each."""
    world = sim.world
    guild_id = guild_of(world)
    await daemon.synced()
    await leads(daemon, url)
    await sync_until_nothing_remains(daemon, guild_id, url)
    await until_current(daemon, url, world, since=datetime.now(UTC) - PROMISED)
    unrest.listened_to()
    for _ in range(3):
        identified = await upset(sim, unrest, chance)
        syncing = asyncio.create_task(sync_until_nothing_remains(daemon, guild_id, url))
        await unrest.happen(CHANGES, silent=False)
        await syncing
        # It listens again, in so many sessions at least.
        await daemon.until(lambda: sim.gateway.connected and sim.gateway.identifies >= identified)  # noqa: B023 (awaited)
        await sync_until_nothing_remains(daemon, guild_id, url)
        await until_current(daemon, url, world, since=datetime.now(UTC) - PROMISED)


async def upset(sim: Simulator, unrest: Unrest, chance: random.Random) -> int:
    """Fail in one of the ways in which a connection does; while there is none, what happens is not sent.

    Returns:
        How many sessions there will have been.
    """
    sim.faults.clear()
    identified = sim.gateway.identifies
    match chance.choice(["peace", "drop", "invalidate", "limit", "faults"]):
        case "drop":  # resumed: what happened meanwhile is sent again
            sim.gateway.close(4000)
            await unrest.happen(CHANGES // 5, silent=False)
        case "invalidate":
            sim.gateway.invalidate()
            unrest.listened_to()
            await unrest.happen(CHANGES // 5, silent=True)
            identified += 1
        case "limit":
            sim.faults.add(Fault("rate_limit", route="/channels/{channel_id}/messages", after=5, retry_after=0.2))
        case "faults":
            sim.faults.scatter(one_in=50, seed=chance.randrange(1000))
    return identified


async def leads(daemon: Process, url: str) -> None:
    """Wait until a daemon writes what it is sent; on Postgres a killed one's lease has to run out."""
    await daemon.until(lambda: f":{daemon.process.pid}:" in str(values_of(url, select(live_state.c.owner))))


async def sync_until_nothing_remains(daemon: Process, guild_id: int, url: str, *, kind: str = "manual") -> None:
    """Sync until nothing is left to be repaired or fetched."""
    for _ in range(MOST_SYNCS):
        created, job = await daemon.sync(guild_id, kind)
        remaining = values_of(url, *REMAINING)
        if job["status"] == "succeeded" and created and not any(remaining):
            return
        kind = "manual"
    raise AssertionError(f"{MOST_SYNCS} syncs were not enough: {remaining} remain, {job}")


def values_of(url: str, *queries: Select[Any]) -> list[Any]:
    """Return the only value of each query."""
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return [connection.execute(query).scalar_one_or_none() for query in queries]
    finally:
        engine.dispose()
