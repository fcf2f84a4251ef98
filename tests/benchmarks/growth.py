"""What a new message costs by how many are stored already."""

import asyncio
import tempfile
from pathlib import Path

from storage.database import open_database
from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Rows, Usage, run_daemon, simulator
from tests.support.builders import SHA
from tests.support.filling import Size, fill
from tests.support.postgres import Postgres

STORED = (0, 1_000_000, 5_000_000, 20_000_000)
CHANNELS, MESSAGES = 20, 5_000
_FILLED_TENANT = "discord-1"


def growth(postgres: Postgres) -> Rows:
    """Return, by database and number of stored messages, what a first sync of 100,000 more takes."""
    return [
        _row(f"{name}, {stored:,} stored", _first_sync(name, stored, postgres))
        for name in ("SQLite", "Postgres")
        for stored in STORED
    ]


def _first_sync(name: str, stored: int, postgres: Postgres) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        url = postgres.create_database() if name == "Postgres" else f"sqlite+aiosqlite:///{folder}/archive.db"
        asyncio.run(_fill(url, stored))
        world = ("--world", "uniform", "--channels", str(CHANNELS), "--messages", str(MESSAGES))
        with simulator(*world) as discord:
            return run_daemon(discord, Path(folder), url, besides=_FILLED_TENANT, **NO_PACE, **ONLY_MESSAGES)


async def _fill(url: str, stored: int) -> None:
    db = await open_database(url, hash_choice=SHA)
    try:
        if stored:
            few = Size(
                tenants=1,
                owners=1,
                channels=100,
                threads=1,
                messages=stored,
                attachments=1,
                totals=1,
                pending=0,
                jobs=1,
            )
            await fill(db, few)
    finally:
        await db.close()


def _row(name: str, used: Usage) -> tuple[str, ...]:
    total = CHANNELS * MESSAGES
    return name, f"{total / used.seconds:,.0f}", f"{used.cpu_seconds * 1e6 / total:.1f}", f"{used.peak_mib:.0f}"
