"""What an export takes, by format and database: its time, and the memory of the whole process."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from storage.database import Database, open_database
from tests.benchmarks.processes import ROOT, Rows
from tests.support.builders import SHA
from tests.support.filling import Size, fill
from tests.support.postgres import Postgres

FORMATS = ("jsonl", "csv", "parquet", "dce-json", "html")
MESSAGES = 1_000_000
CHANNELS = 100
_TENANT = "discord-1"
_TIMES = {  # the second of each message; otherwise all would be of one instant
    "sqlite": "UPDATE messages SET sent_at = strftime('%Y-%m-%d %H:%M:%S.000000+00:00', 1500000000 + id, 'unixepoch')",
    "postgresql": "UPDATE messages SET sent_at = to_timestamp(1500000000 + id)",
}


def exports(postgres: Postgres, messages: int) -> Rows:
    """Return, by database and format, seconds, messages a second, CPU us a message, peak MiB, MiB of the files."""
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("SQLite", "Postgres"):
            url = postgres.create_database() if name == "Postgres" else f"sqlite+aiosqlite:///{folder}/archive.db"
            asyncio.run(_fill(url, messages))
            rows += [_row(f"{name}, {form}", form, url, messages, Path(folder)) for form in FORMATS]
    return rows


def _row(name: str, form: str, url: str, messages: int, folder: Path) -> tuple[str, ...]:
    output = folder / name.replace(", ", "-")
    command = [sys.executable, "-m", "bot", "export", _TENANT, "--format", form, "--output", str(output)]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PLATFORM_SYNC_DATABASE__URL": url})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"the export ended with {process.returncode}"
    seconds = time.monotonic() - began
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    cpu = (used.ru_utime + used.ru_stime) * 1e6 / messages
    shown = (f"{seconds:.1f}", f"{messages / seconds:,.0f}", f"{cpu:.1f}", f"{used.ru_maxrss / 1024:.0f}")
    return name, *shown, f"{size / 2**20:.0f}"


async def _fill(url: str, messages: int) -> None:
    """Fill an archive with messages of one tenant, a second apart, a tenth of them with files and reactions."""
    size = Size(
        tenants=1,
        owners=1,
        channels=CHANNELS,
        threads=1,
        messages=messages,
        attachments=messages // 10,
        totals=messages // 10,
        pending=0,
        jobs=1,
    )
    db = await open_database(url, hash_choice=SHA)
    try:
        await fill(db, size)
        await _spread(db)
    finally:
        await db.close()


async def _spread(db: Database) -> None:
    async with db.writing() as connection:
        await connection.execute(text(_TIMES[db.dialect]))
    if db.dialect == "postgresql":
        async with db.writing() as connection:
            await connection.execute(text("ANALYZE messages"))
