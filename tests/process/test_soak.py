"""A living guild under a daemon that is killed, cut off, invalidated and refused at random: the archive stays true.

``./run test --soak-minutes 30`` goes on for longer than the gates have time for.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, and_, create_engine, func, select

from adapters.discord.simulator import Simulator, uniform_world
from storage.tables import IS_PENDING, channels, live_state, messages, reaction_totals, refetch_ranges, sync_gaps
from tests.support.archive import assert_current, assert_nothing_falsely_gone
from tests.support.erased import truth_without
from tests.support.guilds import guild_of, until_current
from tests.support.process import UNHURRIED, Process, process
from tests.support.skewed_daemon import SKEW_FILE, set_skew
from tests.support.trouble import Troubles
from tests.support.unrest import Unrest

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(0)]  # as long as the option says

MESSAGES = 30
SHARDS = 2
MOST_SYNCS = 20
SYNCS_IN_TROUBLE = 2
# Half of the world's history lies in the window before a gap; gaps come later, so that a little less is promised.
LOOKBACK = timedelta(seconds=30 * MESSAGES // 2)
PROMISED = LOOKBACK - timedelta(minutes=1)
SKEWED = "tests.support.skewed_daemon"
SETTINGS = UNHURRIED | {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": str(int(LOOKBACK.total_seconds()))}
IS_REACTED_TO = and_(
    messages.c.channel_id == reaction_totals.c.channel_id,
    messages.c.platform_id == reaction_totals.c.message_platform_id,
)
REMAINING = (
    # What is hidden is refetched once it is seen again.
    select(func.count())
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.skip_reason.is_(None)),
    select(func.count()).select_from(sync_gaps).where(sync_gaps.c.repaired_at.is_(None)),
    # The users of a deleted message's reactions cannot be fetched any more.
    select(func.count())
    .select_from(reaction_totals)
    .join(channels, channels.c.id == reaction_totals.c.channel_id)
    .join(messages, IS_REACTED_TO)
    .where(IS_PENDING, channels.c.skip_reason.is_(None), messages.c.deleted_at.is_(None)),
)


@pytest.mark.parametrize("seed", [1])
async def test_whatever_happens_the_archive_stays_true(
    database_url: str, seed: int, soak_minutes: float, tmp_path: Path
) -> None:
    url, log, skew = database_url, tmp_path / "log", tmp_path / "skew"
    set_skew(skew, timedelta())
    places, changes, troubles_of_a_round = (200, 250, 3) if soak_minutes else (30, 60, 2)
    world = uniform_world(places, MESSAGES, now=datetime.now(UTC))
    guild_id = guild_of(world)
    ends_at, rounds = time.monotonic() + 60 * soak_minutes, 0
    async with Simulator(world) as sim:
        sim.gateway.shards = SHARDS
        unrest = Unrest(sim, world.guilds[guild_id], seed)
        troubles = Troubles(sim, unrest, url, skew, seed, changes)
        running = partial(process, log, sim=sim, url=url, settings=SETTINGS | {SKEW_FILE: str(skew)}, module=SKEWED)
        while rounds == 0 or time.monotonic() < ends_at:
            rounds += 1
            async with running() as daemon:
                await recover(daemon, sim, url, troubles)
                unrest.listened_to()
                for _ in range(troubles_of_a_round):
                    await live_through(troubles, sim, unrest, daemon, url)
                if rounds % 2:
                    await daemon.kill()
                else:
                    assert await daemon.stop() == 0
            await unrest.happen(changes, silent=True)
        async with running() as daemon:
            await daemon.joined()
            await leads(daemon, url)
            await sync_until_nothing_remains(daemon, guild_id, url, kind="audit")
            await until_current(daemon, url, world, erased=troubles.erased)
            coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
            assert coverage["audited_at"]
            assert await daemon.stop() == 0
    assert_current(url, truth_without(world, guild_id, troubles.erased), guild_id)
    print(f"{rounds} rounds, troubles {troubles.made}, changes {sum(unrest.done.values())}: {unrest.done}")
    assert set(unrest.done) >= {"post", "edit", "delete", "react", "unreact", "hide", "show", "thread", "archive"}


async def live_through(troubles: Troubles, sim: Simulator, unrest: Unrest, daemon: Process, url: str) -> None:
    """Make trouble for a daemon while its guild goes on, and hold the archive against it then and afterwards."""
    world = sim.world
    guild_id = guild_of(world)
    async with troubles.make(daemon):
        syncing = asyncio.create_task(sync_in_trouble(daemon, guild_id))
        await unrest.happen(troubles.changes, silent=False)
        await syncing
        truth = truth_without(world, guild_id, troubles.erased)
        await asyncio.to_thread(assert_nothing_falsely_gone, url, truth, guild_id)
    await recover(daemon, sim, url, troubles)


async def recover(daemon: Process, sim: Simulator, url: str, troubles: Troubles) -> None:
    """Wait until a daemon listens again, sync, and hold the archive against the guild."""
    guild_id = guild_of(sim.world)
    await daemon.until(lambda: sim.gateway.connected == SHARDS and sim.gateway.identifies >= troubles.sessions)
    await daemon.joined()
    await leads(daemon, url)
    await sync_until_nothing_remains(daemon, guild_id, url)
    await until_current(daemon, url, sim.world, since=datetime.now(UTC) - PROMISED, erased=troubles.erased)


async def sync_in_trouble(daemon: Process, guild_id: int) -> None:
    """Sync while this may fail; what it ends with is judged by what is in the archive."""
    for _ in range(SYNCS_IN_TROUBLE):
        await daemon.sync(guild_id)


async def leads(daemon: Process, url: str) -> None:
    """Wait until a daemon writes what it is sent; on Postgres a killed one's lease has to run out."""
    owner = f":{daemon.process.pid}:"
    is_led = select(func.count()).where(live_state.c.owner.contains(owner))
    await daemon.until(lambda: values_of(url, is_led) == [SHARDS], look_every=0.25)


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
