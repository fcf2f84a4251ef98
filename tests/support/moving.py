"""Archives that are moved from SQLite to PostgreSQL, and both sides of it as a stranger reads them."""

import asyncio
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, select, text

from storage.database import open_database
from storage.move import Moved, MoveProgress, Step, copied_tables, move_archive
from storage.move.selection import key_of
from tests.support.builders import SHA
from tests.support.every_table import fill_every_table
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import ROOT, sqlite_url


async def archive_in(folder: Path, **options: Any) -> str:
    """Make an archive without an empty table in a folder."""
    url = sqlite_url(folder)
    await (await open_database(url, hash_choice=SHA)).close()
    fill_every_table(url, **options)
    return url


async def moved(source: str, target: str, **options: Any) -> Moved:
    return await move_archive(source, target, hash_choice=SHA, search="words", **options)


Rows = dict[str, dict[Any, Any]]


def rows_in(url: str) -> Rows:
    """Every row that is to be moved, by table and key, not by our own way of reading or ordering them."""
    options = {} if "sqlite" in url else {"options": "-c timezone=UTC"}
    engine = create_engine(url.replace("+aiosqlite", ""), connect_args=options)
    with engine.connect() as connection:
        found = {table.name: _by_key(table, connection) for table in copied_tables()}
    engine.dispose()
    return found


def _by_key(table: Table, connection: Connection) -> dict[Any, Any]:
    names = [column.name for column in key_of(table)]
    rows = [row._asdict() for row in connection.execute(select(table))]
    by_key = {tuple(row[name] for name in names): row for row in rows}
    assert len(by_key) == len(rows)
    return by_key


def schema_of(url: str) -> list[Any]:
    """Indexes, constraints and triggers of a database, as the server writes them."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [
            sorted(map(tuple, connection.execute(text(query))))
            for query in (
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname <> 'ix_messages_words'",
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace",
                "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
            )
        ]
    engine.dispose()
    return found


def files_beside(source: str) -> dict[str, str]:
    folder = Path(source.removeprefix("sqlite+aiosqlite:///")).parent
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


async def moved_until(source: str, target: str, step: Step | None, lines: int) -> list[str]:
    """Move in a process that is killed when it has said so much of a step; None: to the end. Return what it said."""
    script = (
        "import asyncio, sys; from storage.move import move_archive\n"
        "def say(p): print(p.step.name, p.rows, flush=True)\n"
        "asyncio.run(move_archive(*sys.argv[1:], hash_choice='sha256', search='words', on_progress=say,"
        " on_note=lambda note: print(note, flush=True), batch=200))"
    )
    mover = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, source, target, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    said: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert mover.stdout is not None
        async for line in mover.stdout:
            said.append(line.decode().strip())
            if step and sum(one.startswith(step.name) for one in said) == lines:
                mover.kill()
        await mover.wait()
    assert mover.returncode == (-9 if step else 0)
    return said


class Killed(Exception):
    """Ends a move in the middle."""


def after(rows: int, step: Step = Step.COPY) -> Callable[[MoveProgress], None]:
    """End a move after so many rows of a step."""

    def end(progress: MoveProgress) -> None:
        if progress.step is step and progress.rows >= rows:
            raise Killed

    return end
