"""How long a new message takes from the gateway's frame to its committed row, and what it costs."""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

from adapters.discord.simulator import Simulator, uniform_world
from tests.benchmarks.processes import ROOT, Daemon, Rows
from tests.support.guilds import guild_of
from tests.support.postgres import Postgres
from tests.support.process import NO_REACTIONS, UNHURRIED, Process, process

CHANNELS, RATES, SECONDS = 1_000, (50, 500, 5_000), 5
_SLICES = 100  # a second
_PATIENCE_SECONDS = 20.0  # what the buffer had no place for waits for a sync


def live(postgres: Postgres) -> Rows:
    """One row a rate and database."""
    rows: Rows = []
    for name in ("SQLite", "Postgres"):
        with tempfile.TemporaryDirectory() as folder:
            is_sqlite = name == "SQLite"
            url = f"sqlite+aiosqlite:///{folder}/archive.db" if is_sqlite else postgres.create_database()
            rows += [(name, *row) for row in asyncio.run(_at_all_rates(url, Path(folder)))]
    return rows


async def _at_all_rates(url: str, folder: Path) -> Rows:
    settings = UNHURRIED | NO_REACTIONS
    async with (
        Simulator(uniform_world(CHANNELS, 2)) as sim,
        process(folder / "log", sim=sim, url=url, settings=settings) as daemon,
    ):
        await daemon.synced()
        return [await _at_rate(sim, daemon, url, rate) for rate in RATES]


async def _at_rate(sim: Simulator, daemon: Process, url: str, rate: int) -> tuple[str, ...]:
    used = Daemon("", daemon.process.pid)
    async with _counting(url) as counted:
        before = counted[-1][1]
        cpu = used.cpu_seconds
        sent = await _send(sim, rate)
        gives_up_at = time.monotonic() + _PATIENCE_SECONDS
        while counted[-1][1] < before + len(sent) and time.monotonic() < gives_up_at:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
        cpu = used.cpu_seconds - cpu
    latencies = _latencies(sent, [(at, count - before) for at, count in counted])
    left = len(sent) - len(latencies)
    return (
        f"{rate:,}",
        f"{(len(sent) - 1) / (sent[-1] - sent[0]):,.0f}",
        *(_milliseconds(latencies) if not left else ("-", "-", "-")),  # which ones are missing is not known here
        f"{cpu * 1000 / len(sent):.2f}",
        f"{left:,}",
    )


def _milliseconds(latencies: list[float]) -> tuple[str, str, str]:
    ms = sorted(1000 * seconds for seconds in latencies)
    return f"{median(ms):,.0f}", f"{quantiles(ms, n=100)[98]:,.0f}", f"{ms[-1]:,.0f}"


async def _send(sim: Simulator, rate: int) -> list[float]:
    """Send messages for a while at a rate, or as fast as the simulator can; return when each was sent."""
    guild = sim.world.guilds[guild_of(sim.world)]
    chance, channels, users, sent = random.Random(rate), list(guild.channels), list(guild.users), list[float]()
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS:
        while len(sent) < rate * elapsed:
            sent.append(time.monotonic())
            sim.change.post(chance.choice(channels), f"message {len(sent)} of this second", chance.choice(users))
            if len(sent) % 20 == 0:
                await asyncio.sleep(0)  # the frames are sent beside
        await asyncio.sleep(1 / _SLICES)
    return sent


def _latencies(sent: list[float], counted: list[tuple[float, int]]) -> list[float]:
    """Return the seconds from each message to its row: they are written in the order in which they were sent."""
    latencies, number = list[float](), 0
    for at, count in counted:
        while number < min(count, len(sent)):
            latencies.append(at - sent[number])
            number += 1
    return latencies


@asynccontextmanager
async def _counting(url: str) -> AsyncIterator[list[tuple[float, int]]]:
    """Yield a list that grows with each new count of an archive's messages: when, and how many."""
    counted: list[tuple[float, int]] = []
    command = (sys.executable, "-m", "tests.benchmarks.counting", url)
    beside = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert beside.stdout is not None
    lines = beside.stdout

    async def follow() -> None:
        async for line in lines:
            at, count = line.split()
            counted.append((float(at), int(count)))

    following = asyncio.create_task(follow())
    while not counted:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0.02)
    try:
        yield counted
    finally:
        beside.terminate()
        await beside.wait()
        await following
