"""Running a statement and taking its rows as mappings."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE = 500
"""Rows of which objects are made in one go, before the event loop gets its turn: some milliseconds."""


async def one_row(
    connection: AsyncConnection, statement: Executable, values: Mapping[str, object] | None = None
) -> RowMapping | None:
    """Run a statement. Returns its only row, or None where there is none."""
    return (await connection.execute(statement, values)).mappings().one_or_none()


async def all_rows(
    connection: AsyncConnection, statement: Executable, values: Mapping[str, object] | None = None
) -> Sequence[RowMapping]:
    """Run a statement. Returns every row."""
    return (await connection.execute(statement, values)).mappings().all()


async def rows_in_slices(
    connection: AsyncConnection, statement: Executable, values: Mapping[str, object] | None = None
) -> AsyncIterator[Sequence[RowMapping]]:
    """Run a statement that may answer with very many rows. Yields some of them at a time."""
    result = await connection.execute(statement, values)
    for some in result.mappings().partitions(AT_ONCE):
        yield some
        await asyncio.sleep(0)


def fields_of(row: RowMapping, record: type[Any]) -> dict[str, Any]:
    """Take the values that a dataclass is made of, by the names of its fields."""
    return {field.name: row[field.name] for field in fields(record)}
