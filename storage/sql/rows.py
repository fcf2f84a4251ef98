"""Running a statement and taking its rows as mappings."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection


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


def fields_of(row: RowMapping, record: type[Any]) -> dict[str, Any]:
    """Take the values that a dataclass is made of, by the names of its fields."""
    return {field.name: row[field.name] for field in fields(record)}
