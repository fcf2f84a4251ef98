"""The archive that is moved: a SQLite file that nobody writes meanwhile, and that is only read."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Row, StaticPool, Table, create_engine, func, select, type_coerce
from sqlalchemy.types import NullType

from storage.connection import FileLock, translated
from storage.move.model import MoveRefused
from storage.move.selection import Key, ordered_columns, rows_after
from storage.sql import AT_ONCE

_LOGS = ("-wal", "-journal")


class Source:
    """A SQLite archive as of one instant."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection

    async def stored_rows(self, table: Table, after: Key | None, limit: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """Yield the next rows, some at a time, as they are stored: times, JSON and truth values as SQLite has them."""
        columns = [type_coerce(column, NullType()) for column in ordered_columns(table)]
        with translated():
            result = await asyncio.to_thread(self._connection.execute, rows_after(table, after, limit, columns))
            try:
                while some := await asyncio.to_thread(result.fetchmany, AT_ONCE):
                    yield some
            finally:
                result.close()

    async def rows(self, table: Table, after: Key | None, limit: int) -> Sequence[tuple[Any, ...]]:
        """Return the next rows as the program sees them.

        Raises:
            MoveRefused: one holds what the program never writes.
        """
        query = rows_after(table, after, limit)
        try:
            with translated():
                return await asyncio.to_thread(lambda: [tuple(row) for row in self._connection.execute(query)])
        except ValueError:  # it quotes the value
            raise MoveRefused(f"The archive has a value in {table.name} that is no time, or no JSON.") from None

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        query = select(func.count()).select_from(table)
        with translated():
            return int(await asyncio.to_thread(lambda: self._connection.execute(query).scalar_one()))

    @property
    def state(self) -> dict[str, int]:
        """What is another once the archive was written: which file it is, its size and when it was last changed."""
        return dict(_state(self.path))


@asynccontextmanager
async def open_source(path: Path) -> AsyncIterator[Source]:
    """Open the archive for as long as the block takes; no daemon can begin to work on it meanwhile.

    Raises:
        DatabaseInUse: one works on it.
        StorageError: it cannot be read.
    """
    with await FileLock(path).acquire():
        engine = create_engine(
            "sqlite://",
            creator=lambda: _opened(path),
            poolclass=StaticPool,
            json_deserializer=orjson.loads,
            hide_parameters=True,
        )
        try:
            with translated(), engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                yield Source(path, connection)
        finally:
            engine.dispose()


def _opened(path: Path) -> sqlite3.Connection:
    """Open it so that no file of it is made or changed; what a killed daemon left in the log is read, too."""
    has_log = any(_size(path.with_name(path.name + suffix)) for suffix in _LOGS)
    uri = f"{path.as_uri()}?mode=ro{'' if has_log else '&immutable=1'}"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.isolation_level = None
    return connection


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _state(path: Path) -> Iterator[tuple[str, int]]:
    for suffix in ("", *_LOGS):
        file = path.with_name(path.name + suffix)
        if _size(file):
            found = file.stat()
            yield from ((f"file{suffix}", found.st_ino), (f"size{suffix}", found.st_size))
            yield f"changed{suffix}", found.st_mtime_ns
