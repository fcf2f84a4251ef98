"""Several processes that share the shards of one bot: first syncs without a pace, and new messages.

The processes, the simulator and Postgres share the cores of one machine, which bound what more processes bring.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adapters.discord.simulator import Simulator, uniform_world
from storage.tables import messages
from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Daemon, Rows, daemon, simulator
from tests.support.archive import connected
from tests.support.postgres import Postgres
from tests.support.process import process

GUILDS, CHANNELS, MESSAGES, SHARDS = 24, 5, 2_000, 12
EVENTS, SECONDS = 2_000, 5  # new messages a second, for so long
SETTINGS = {**NO_PACE, **ONLY_MESSAGES, "PLATFORM_SYNC_DISCORD__SHARDS": "auto"}
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.1, 120.0


def several(postgres: Postgres) -> Rows:
    """One row a number of processes: messages of first syncs a second, CPU, and how fast new messages are stored."""
    rows: Rows = []
    for count in (1, 2, 3):
        rate, cpu = _first_syncs(postgres.create_database(), count)
        stored, events_cpu = asyncio.run(_events(postgres.create_database(), count))
        rows.append((str(count), f"{rate:,.0f}", f"{cpu:.1f}", f"{stored:,.0f}", f"{events_cpu:.2f}"))
    return rows


def _first_syncs(url: str, count: int) -> tuple[float, float]:
    """Return how many messages a second were stored, and the CPU seconds for a million of them."""
    world = ("--world", "uniform", "--guilds", str(GUILDS), "--channels", str(CHANNELS), "--messages", str(MESSAGES))
    gateway = ("--shards", str(SHARDS), "--max-concurrency", str(SHARDS), "--identify-seconds", "0")
    total = GUILDS * CHANNELS * MESSAGES
    with ExitStack() as opened, simulator(*world, *gateway) as discord:
        folders = [Path(opened.enter_context(tempfile.TemporaryDirectory())) for _ in range(count)]
        running = [opened.enter_context(daemon(discord, folder, url, **SETTINGS)) for folder in folders]
        while [tenant["sync_status"] for tenant in running[0].tenants()] != ["ok"] * GUILDS:
            time.sleep(_LOOK_SECONDS)
        cpu = sum(one.cpu_seconds for one in running)
        times = [when for folder in folders for when in _times_of_syncs(folder / "daemon.log")]
    return total / (max(times) - min(times)).total_seconds(), cpu * 1e6 / total


def _times_of_syncs(log: Path) -> list[datetime]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    own = [line["timestamp"] for line in lines if line["event"] in ("sync started", "sync ended")]
    return [datetime.fromisoformat(when) for when in own]


async def _events(url: str, count: int) -> tuple[float, float]:
    """Return how many new messages a second were stored, and the CPU seconds for a thousand of them."""
    world = uniform_world(CHANNELS, 2, guilds=GUILDS)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as opened:
            sim = await opened.enter_async_context(Simulator(world))
            sim.gateway.shards, sim.gateway.starts.max_concurrency = SHARDS, SHARDS
            logs = [Path(folder) / f"log-{number}" for number in range(count)]
            running = [
                await opened.enter_async_context(process(log, sim=sim, url=url, settings=SETTINGS)) for log in logs
            ]
            await running[0].synced()
            await _until_shared(running[0].get, count)
            used = [Daemon("", one.process.pid) for one in running]
            cpu, before, began = sum(one.cpu_seconds for one in used), _count(url), time.monotonic()
            sent = await _send(sim)
            while _count(url) < before + sent and time.monotonic() < began + _PATIENCE_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            seconds, cpu = time.monotonic() - began, sum(one.cpu_seconds for one in used) - cpu
            stored = _count(url) - before
    return stored / seconds, cpu * 1000 / stored


async def _send(sim: Simulator) -> int:
    """Send messages for a while at a rate, or as fast as the simulator can; return how many."""
    chance, guilds, sent, began = random.Random(1), list(sim.world.guilds.values()), 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS:
        while sent < EVENTS * elapsed:
            guild = chance.choice(guilds)
            sim.change.post(chance.choice(list(guild.channels)), f"message {sent}", chance.choice(list(guild.users)))
            sent += 1
            if sent % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)
    return sent


async def _until_shared(get: Callable[[str], Awaitable[Any]], count: int) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        found = await get("/api/processes")
        sizes = [len(one["held"].get("discord", ())) for one in found["processes"] if one["state"] == "running"]
        if sizes == [SHARDS // count] * count:
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"the shards are not shared out: {sizes}")


def _count(url: str) -> int:
    with connected(url) as connection:
        return int(connection.execute(select(func.count()).select_from(messages)).scalar_one())
