"""5,000 events a second for 20 s: does the connection hold, does the API answer, does memory stay, is nothing lost."""

import asyncio
import tempfile
from pathlib import Path

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from tests.benchmarks.processes import Rows
from tests.support.archive import assert_current
from tests.support.guilds import guild_of, until_current
from tests.support.postgres import Postgres
from tests.support.process import UNHURRIED, process
from tests.support.storm import storm as rain

_A_SECOND, _SECONDS = 6_300, 20  # of which four in five change something and are sent


def storm(postgres: Postgres) -> Rows:
    """One row a database."""
    rows = []
    for name in ("SQLite", "Postgres"):
        with tempfile.TemporaryDirectory() as folder:
            is_sqlite = name == "SQLite"
            url = f"sqlite+aiosqlite:///{folder}/archive.db" if is_sqlite else postgres.create_database()
            rows.append((name, *asyncio.run(_storm(url, Path(folder)))))
    return rows


async def _storm(url: str, folder: Path) -> tuple[str, ...]:
    world = uniform_world(50, 100)
    guild_id = guild_of(world)
    async with (
        Simulator(world) as sim,
        process(folder / "log", sim=sim, url=url, settings=UNHURRIED) as daemon,
    ):
        await daemon.synced()
        identified, before = sim.gateway.identifies, daemon.resident_mib
        seen = await rain(sim, world.guilds[guild_id], daemon, a_second=_A_SECOND, seconds=_SECONDS, seed=5)
        await daemon.sync(guild_id)
        await until_current(daemon, url, world)
        lost = sim.gateway.identifies - identified
        await daemon.stop()
    assert_current(url, truth(world, guild_id), guild_id)
    return (
        f"{seen.events / seen.seconds:,.0f}",
        f"{seen.seconds:.0f}",
        f"{seen.median_ms:.0f}",
        f"{before:.0f}",
        f"{max(seen.resident_mib):.0f}",
        str(lost),
        "yes",
    )
