"""Several processes share one Postgres and the shards of one bot, whatever happens to each of them.

``./run test --soak-minutes 20`` goes on for longer, with more of everything.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.discord.simulator import Limits, Simulator, World, uniform_world
from adapters.discord.simulator.truth import truth
from storage.tables import channels, refetch_ranges, sync_gaps, sync_jobs, tenants
from tests.support.archive import assert_current, connected
from tests.support.fleet import Fleet
from tests.support.patience import PATIENCE_SECONDS
from tests.support.postgres import Postgres
from tests.support.process import json_lines
from tests.support.unrest import KINDS, Unrest

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(0)]  # as long as the option says

CHANNELS = 3
CONCURRENCY, IDENTIFY_SECONDS = 4, 5.0
REQUESTS = 100  # of a first sync, at most
LIMIT = 50  # requests a second, of a bot in all its processes
SETTINGS = {
    "PLATFORM_SYNC_DISCORD__SHARDS": "auto",
    "PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "30 d",  # all of the history: every gap is repaired whole
}
# Who takes a reaction back while another one gives it, both unheard, cannot be seen by any total afterwards.
UNHEARD_ALIKE = {"unreact", "clear"}
MOST_SYNCS = 20


@pytest.mark.parametrize("seed", [1])
async def test_whatever_happens_to_each_the_archive_is_equal(
    postgres: Postgres, seed: int, soak_minutes: float, tmp_path: Path
) -> None:
    url, chance = postgres.create_database(), random.Random(seed)
    shards, guilds, messages, count, changes = (12, 600, 2, 3, 60) if soak_minutes else (4, 12, 20, 2, 30)
    world = uniform_world(CHANNELS, messages, now=datetime.now(UTC), guilds=guilds)
    async with Simulator(world, limits=Limits()) as sim:
        sim.gateway.shards = shards
        sim.gateway.starts.max_concurrency, sim.gateway.starts.interval_seconds = CONCURRENCY, IDENTIFY_SECONDS
        async with Fleet(sim, url, tmp_path, SETTINGS, seed) as fleet:
            for _ in range(count):
                await fleet.start()
            began = time.monotonic()
            await until(lambda: are_synced(url, guilds), "all guilds synced", 600 + guilds * REQUESTS / LIMIT)
            print(f"{guilds} guilds synced first in {time.monotonic() - began:.0f} s, {sim.requests.count()} requests")
            await until(lambda: is_shared(fleet, shards, count), "the shards shared out")
            living = {guild_id: quiet(Unrest(sim, guild, seed)) for guild_id, guild in world.guilds.items()}
            ends_at = time.monotonic() + max(60 * soak_minutes, 1.0)
            while time.monotonic() < ends_at:
                going_on = asyncio.create_task(go_on(living, chance))
                try:
                    await fleet.trouble()
                    await fleet.trouble()
                finally:
                    going_on.cancel()
                await until(lambda: is_shared(fleet, shards, count), "the shards shared out again")
                for _ in range(changes):
                    chance.choice(list(living.values())).change_once(silent=False)
            await sync_until_nothing_remains(fleet, url, world)
            await until(lambda: differences(url, world), "every row as in its guild")
            print(f"{fleet.made}, changes {sum(sum(one.done.values()) for one in living.values())}")
            for member in list(fleet.members):
                await fleet.end(member, is_killed=False)
        assert sim.gateway.starts.violations == 0, "IDENTIFY was sent too early"
        assert sim.requests.most_within(1.0) <= LIMIT, "faster than Discord lets a bot be"
        assert sim.requests.count(status=429) == 0
    assert_claimed_once_each(url, fleet.logs())


def assert_claimed_once_each(url: str, logs: Iterable[str]) -> None:
    """Hold that no two processes began the same attempt at a job."""
    lines = [line for log in logs for line in json_lines(log)]
    begun = Counter(line["job"] for line in lines if line["event"] == "sync started")
    with connected(url) as connection:
        attempts = dict(connection.execute(select(sync_jobs.c.id, sync_jobs.c.attempt)).all())
    twice = {job: (count, attempts[job]) for job, count in begun.items() if count > attempts.get(job, 0)}
    assert begun
    assert not twice, f"begun, and attempts: {twice}"


def quiet(unrest: Unrest) -> Unrest:
    """Leave out what a gap can hide for good."""
    unrest.kinds = {kind: weight for kind, weight in KINDS.items() if kind not in UNHEARD_ALIKE}
    return unrest


async def go_on(living: dict[int, Unrest], chance: random.Random) -> None:
    """Let the guilds live, some more than others."""
    while True:
        chance.choice(list(living.values())).change_once(silent=False)
        await asyncio.sleep(0.02)


async def is_shared(fleet: Fleet, shards: int, count: int) -> str:
    """Hold that each process connects its share, and all together each shard once."""
    found = [one for one in await fleet.processes() if one["state"] == "running"]
    parts = [one["held"].get("discord", ()) for one in found]  # one that is just starting takes no part yet
    held, sizes = sorted(part for some in parts for part in some), sorted(map(len, parts))
    is_whole = held == sorted(f"{number}/{shards}" for number in range(shards))
    return "" if is_whole and sizes == [shards // count] * count else f"{found}"


async def are_synced(url: str, guilds: int) -> str:
    """Say how many guilds are not synced yet."""
    return await asyncio.to_thread(_are_synced, url, guilds)


def _are_synced(url: str, guilds: int) -> str:
    with connected(url) as connection:
        done = select(func.count()).select_from(tenants).where(tenants.c.sync_status == "ok")
        left = guilds - connection.execute(done).scalar_one()
    return f"{left} left" if left else ""


async def sync_until_nothing_remains(fleet: Fleet, url: str, world: World) -> None:
    """Sync every guild through one process, whichever has it, until nothing is left to be repaired."""
    for _ in range(MOST_SYNCS):
        for guild_id in world.guilds:
            path = f"/api/tenants/discord-{guild_id}/sync"
            status, answer = await fleet.members[0].daemon.request("POST", path, json={"kind": "manual"})
            assert status in (200, 202), answer
        await until(lambda: asyncio.to_thread(_is_idle, url), "the syncs ended")
        if not (left := await asyncio.to_thread(_left, url)):
            return
    raise AssertionError(f"{MOST_SYNCS} syncs of each guild were not enough: {left}")


def _is_idle(url: str) -> str:
    with connected(url) as connection:
        unfinished = select(func.count()).select_from(sync_jobs).where(sync_jobs.c.finished_at.is_(None))
        left = connection.execute(unfinished).scalar_one()
    return f"{left} jobs left" if left else ""


def _left(url: str) -> str:
    with connected(url) as connection:
        # What is hidden is refetched once it is seen again.
        shown = refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id)
        ranges = connection.execute(
            select(func.count()).select_from(shown).where(channels.c.skip_reason.is_(None))
        ).scalar_one()
        unrepaired = select(func.count()).select_from(sync_gaps).where(sync_gaps.c.repaired_at.is_(None))
        gaps = connection.execute(unrepaired).scalar_one()
        ends = connection.execute(select(tenants.c.sync_status).distinct()).scalars().all()
    return f"{ranges} ranges, {gaps} gaps, {ends}" if ranges or gaps or set(ends) != {"ok"} else ""


async def differences(url: str, world: World) -> str:
    """Say how the first guild differs that does."""
    for guild_id in world.guilds:
        try:
            await asyncio.to_thread(assert_current, url, truth(world, guild_id), guild_id)
        except AssertionError as e:
            return f"guild {guild_id}: {e}"
    return ""


async def until(look: Callable[[], Any], what: str, patience_seconds: float = 4 * PATIENCE_SECONDS) -> None:
    """Wait until a look finds nothing that is left."""
    give_up_at = time.monotonic() + patience_seconds
    while left := await look():
        assert time.monotonic() < give_up_at, f"{what}: {left}"
        await asyncio.sleep(0.5)
