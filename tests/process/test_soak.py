"""A living guild under a daemon that is killed, cut off, invalidated and refused at random: the archive stays true.

``SOAK_ROUNDS`` makes it longer than the gates have time for.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.truth import truth
from adapters.discord.simulator.worlds import uniform_world
from storage.tables import IS_PENDING, live_state, reaction_totals, refetch_ranges, sync_gaps
from tests.support.archive import assert_current
from tests.support.process import PATIENCE_SECONDS, UNHURRIED, Process, process
from tests.support.unrest import Unrest

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "1"))
CHANNELS, MESSAGES, CHANGES = 200, 60, 250
LEFT = (
    select(func.count()).select_from(refetch_ranges),
    select(func.count()).select_from(sync_gaps).where(sync_gaps.c.repaired_at.is_(None)),
    select(func.count()).select_from(reaction_totals).where(IS_PENDING),
)


def left(url: str) -> list[int]:
    """What is still to be repaired or fetched."""
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return [connection.execute(query).scalar_one() for query in LEFT]
    finally:
        engine.dispose()


@asynccontextmanager
async def daemon(sim: Simulator, url: str, log: Path) -> AsyncIterator[Process]:
    settings = UNHURRIED | {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": str(30 * MESSAGES // 2)}
    async with process(log, sim=sim, database_url=url, **settings) as running:
        yield running


async def settled(running: Process, url: str) -> None:
    """Wait until a daemon writes what it is told; on Postgres a killed one's lease has to run out."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f":{running.process.pid}:" not in str(leader(url)):  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.1)


def leader(url: str) -> str | None:
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return connection.execute(select(live_state.c.owner)).scalar_one_or_none()
    finally:
        engine.dispose()


async def quiet_sync(running: Process, guild_id: int, url: str, *, kind: str = "manual") -> None:
    """Sync until nothing is left to do."""
    async with asyncio.timeout(PATIENCE_SECONDS * 2):
        while True:
            status, asked = await running.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": kind})
            assert status in (200, 202), asked
            job = await running.job_ended(asked["job_id"])
            if job["status"] == "succeeded" and asked["created"] and not any(left(url)):
                return
            kind = "manual"


async def connected(sim: Simulator, identified: int) -> None:
    """Wait until the daemon listens again, in so many sessions at least, and has written what it was told."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not sim.gateway.connected or sim.gateway.identifies < identified:  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)


@pytest.mark.timeout(120 + 120 * ROUNDS)
@pytest.mark.parametrize("seed", [1])
async def test_whatever_happens_the_archive_stays_true(database_url: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    began = datetime.now(UTC)
    world = uniform_world(CHANNELS, MESSAGES, now=began)
    # Half of the world's history lies in the window before a gap; gaps come later, so that a little less is promised.
    promised_since = began - timedelta(seconds=30 * MESSAGES // 2) + timedelta(seconds=60 + 30 * ROUNDS)
    (guild_id,) = world.guilds
    url, log = database_url, tmp_path / "log"
    async with Simulator(world) as sim:
        unrest = Unrest(sim, world.guilds[guild_id], seed)
        expected = truth(world, guild_id)
        for number in range(ROUNDS):
            async with daemon(sim, url, log) as running:
                await running.synced()
                await settled(running, url)
                await quiet_sync(running, guild_id, url)
                assert_current(url, expected, guild_id, since=promised_since)
                unrest.listened_to()
                for _ in range(3):
                    identified = await upset(sim, unrest, chance)
                    asked = asyncio.create_task(quiet_sync(running, guild_id, url))
                    await unrest.happen(CHANGES, silent=False)
                    await asked
                    await connected(sim, identified)
                    await quiet_sync(running, guild_id, url)
                    assert_current(url, expected, guild_id, since=promised_since)
                if number % 2 == 0:
                    await running.kill()
                else:
                    assert await running.stop() == 0
            await unrest.happen(CHANGES, silent=True)
        async with daemon(sim, url, log) as running:
            await running.synced()
            await settled(running, url)
            await quiet_sync(running, guild_id, url, kind="audit")
            assert_current(url, expected, guild_id)
            coverage = await running.get(f"/api/tenants/discord-{guild_id}/coverage")
            assert coverage["audited_at"]
            assert await running.stop() == 0
    assert set(unrest.done) >= {"post", "edit", "delete", "react", "unreact", "hide", "show", "thread", "archive"}


async def upset(sim: Simulator, unrest: Unrest, chance: random.Random) -> int:
    """One of the ways in which a connection fails; while there is none, things happen unheard.

    Returns:
        How many sessions there will have been.
    """
    sim.faults.clear()
    identified = sim.gateway.identifies
    match chance.choice(["peace", "drop", "invalidate", "limit", "faults"]):
        case "drop":  # resumed: what happened meanwhile is told again
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
