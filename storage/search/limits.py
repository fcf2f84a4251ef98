"""Reading under a time limit, so that no search takes a connection, or the disk, for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.errors import QueryTooLong

# GIN is read by bitmap scans alone: without them the rows are read in the order of the index over their times.
_SET = text(
    "SELECT set_config('statement_timeout', :timeout, true), set_config('enable_bitmapscan', :bitmap, true),"
    " set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"  # how many rows a word finds is known from the word
)


class LimitedReader:
    """A connection that reads until a moment; whatever is running then is interrupted."""

    def __init__(self, connection: AsyncConnection, ends_at: float) -> None:
        self._connection, self._ends_at = connection, ends_at
        self.dialect: str = connection.dialect.name
        self._is_set: tuple[bool, float] | None = None  # whether by words, and for how many seconds

    @property
    def seconds_left(self) -> float:
        """How long it may still read."""
        return self._ends_at - time.monotonic()

    async def rows(
        self, statement: Executable, values: Mapping[str, object] | None = None, *, by_words: bool = False
    ) -> Sequence[RowMapping]:
        """Run a statement and return its rows.

        Args:
            statement: the statement.
            values: its parameters.
            by_words: whether the index of words may be used on PostgreSQL; if not, rows are read in their order.

        Raises:
            QueryTooLong: the time was over before it had ended.
        """
        if self.seconds_left <= 0:
            raise QueryTooLong
        try:
            if self.dialect == "postgresql":
                await self._set(by_words=by_words)
            return (await self._connection.execute(statement, values)).mappings().all()
        except DBAPIError as e:
            if self.seconds_left <= 0:
                raise QueryTooLong from None
            raise e

    async def rows_within(self, seconds: float, statement: Executable) -> Sequence[RowMapping] | None:
        """Run a statement, by words, for so long at most; None: it had not ended by then, and the reader goes on."""
        part = LimitedReader(self._connection, min(self._ends_at, time.monotonic() + seconds))
        self._is_set = None  # the part tells the server something else
        end = _end_sqlite(self._connection, seconds) if self.dialect == "sqlite" else _undo_postgres(self._connection)
        try:
            async with end:
                return await part.rows(statement, by_words=True)
        except QueryTooLong:
            return None

    async def _set(self, *, by_words: bool) -> None:
        """Tell the server how to read and for how long, where that is much otherwise than it was told."""
        left = max(self.seconds_left, 0.001)
        if self._is_set is None or self._is_set[0] is not by_words or self._is_set[1] > 1.5 * left:
            values = {"timeout": f"{left * 1000:.0f}", "bitmap": "on" if by_words else "off"}
            await self._connection.execute(_SET, values)
            self._is_set = by_words, left


@asynccontextmanager
async def limited_reading(db: Database, seconds: float) -> AsyncIterator[LimitedReader]:
    """Lend a connection that cannot write and is interrupted after so many seconds."""
    async with db.asking(seconds) as connection:
        reader = LimitedReader(connection, time.monotonic() + seconds)
        end = _end_sqlite(connection, seconds) if db.dialect == "sqlite" else _end_postgres(connection)
        async with end:
            yield reader


@asynccontextmanager
async def _end_sqlite(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    interrupting = asyncio.create_task(_interrupt_after(raw, seconds))
    try:
        yield
    finally:
        interrupting.cancel()


async def _interrupt_after(raw: Any, seconds: float) -> None:
    while True:  # again and again: an interrupt ends only what runs at that moment
        await asyncio.sleep(max(seconds, 0.0))
        await raw.interrupt()
        seconds = 0.05


@asynccontextmanager
async def _end_postgres(connection: AsyncConnection) -> AsyncIterator[None]:
    await connection.exec_driver_sql("BEGIN READ ONLY")
    try:
        yield
    finally:
        await connection.exec_driver_sql("ROLLBACK")


@asynccontextmanager
async def _undo_postgres(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let the transaction go on after a statement that was interrupted."""
    await connection.exec_driver_sql("SAVEPOINT part")
    try:
        yield
    except QueryTooLong:
        await connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
        raise
    await connection.exec_driver_sql("RELEASE SAVEPOINT part")
