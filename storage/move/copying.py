"""Copying a table, batch by batch, each a transaction: what is there is what a move goes on from."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
from sqlalchemy import JSON, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import from_sqlstate
from storage.errors import DatabaseUnreachable, StorageError, ValueRefused
from storage.move.model import MoveRefused
from storage.move.selection import Key, named, ordered_columns
from storage.move.source import Source
from storage.move.target import Target
from storage.sql import clean, dump_json


class TableCopy:
    """The copying of one table, from wherever it had come."""

    def __init__(self, source: Source, target: Target, table: Table, *, batch: int) -> None:
        self._source, self._target, self._table = source, target, table
        self._batch = batch

    async def batches(self) -> AsyncIterator[int]:
        """Copy all rows that are not there yet; yields the number of each batch's."""
        while copied := await self._copy(self._batch):
            yield copied

    async def _copy(self, limit: int) -> int:
        """Copy the next rows. Those that the database refuses are found by halves, and cleaned."""
        after = await self._target.last_key(self._table)
        try:
            return await self._write(self._source.stored_rows(self._table, after, limit))
        except ValueRefused:
            if limit == 1:
                return await self._copy_cleaned(after)
        half = limit // 2
        return await self._copy(half) + await self._copy(limit - half)

    async def _write(self, rows: AsyncIterator[Sequence[Sequence[Any]]]) -> int:
        async with self._target.writing() as connection:
            return await _copy_in(connection, self._table, rows)

    async def _copy_cleaned(self, after: Key | None) -> int:
        rows = await self._source.rows(self._table, after, 1)
        try:
            return await self._write(_stored(self._table, rows))
        except ValueRefused:
            key = tuple(rows[0][: len(self._table.primary_key.columns)])
            raise MoveRefused(f"PostgreSQL cannot hold a row of the archive: {named(self._table, key)}.") from None


def cleaned(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row without what PostgreSQL cannot store, as a sync stores it; its key is left alone."""
    kept = len(table.primary_key.columns)
    return (*row[:kept], *(_plain(clean(value)) for value in row[kept:]))


def _plain(value: Any) -> Any:
    """Make lists of the tuples that cleaning makes of them."""
    if isinstance(value, dict):
        return {name: _plain(inside) for name, inside in value.items()}
    return [_plain(inside) for inside in value] if isinstance(value, tuple) else value


async def _stored(table: Table, rows: Sequence[Sequence[Any]]) -> AsyncIterator[list[list[Any]]]:
    """Yield cleaned rows as they are copied: JSON as text."""
    is_json = [isinstance(column.type, JSON) for column in ordered_columns(table)]
    yield [
        [dump_json(v) if is_object and v is not None else v for v, is_object in zip(row, is_json, strict=True)]
        for row in (cleaned(table, each) for each in rows)
    ]


async def _copy_in(connection: AsyncConnection, table: Table, rows: AsyncIterator[Sequence[Sequence[Any]]]) -> int:
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.quote(column.name) for column in ordered_columns(table))
    driver: Any = (await connection.get_raw_connection()).driver_connection
    copied = 0
    try:
        statement = f"COPY {preparer.format_table(table)} ({names}) FROM STDIN"
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            async for some in rows:
                for row in some:
                    await copy.write_row(row)
                copied += len(some)
    except psycopg.Error as error:
        raise _translated(error) from None  # it can quote the row
    return copied


def _translated(error: psycopg.Error) -> StorageError:
    if error.sqlstate is not None:
        return from_sqlstate(error.sqlstate)
    if isinstance(error, psycopg.DataError):
        return ValueRefused()
    return DatabaseUnreachable(f"{DatabaseUnreachable().args[0]} ({str(error).strip().partition(chr(10))[0]})")
