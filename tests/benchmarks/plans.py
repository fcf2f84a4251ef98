"""How long each query of the hourly round and of the API takes with much in the archive."""

import asyncio
import time
from pathlib import Path

from storage.database import open_database
from tests.benchmarks.processes import Rows
from tests.support.builders import SHA
from tests.support.filling import LARGE, fill
from tests.support.queries import API, HOURLY, READING


def queries(folder: Path, postgres_url: str) -> Rows:
    """Milliseconds of each call on both databases: of two in a row the second."""
    found = [asyncio.run(_measure(url)) for url in (f"sqlite+aiosqlite:///{folder}/archive.db", postgres_url)]
    return [(name, *(f"{times[name]:,.1f}" for times in found)) for name in HOURLY | API | READING]


async def _measure(url: str) -> dict[str, float]:
    db = await open_database(url, hash_choice=SHA)
    try:
        await fill(db, LARGE)
        times: dict[str, float] = {}
        for name, call in (HOURLY | API | READING).items():
            for _ in range(2):
                began = time.monotonic()
                await call(db)
                times[name] = (time.monotonic() - began) * 1000
        return times
    finally:
        await db.close()
