"""Looking into an archive from outside the functions under test."""

import asyncio
from typing import Any

from sqlalchemy import Table, func, select, text

from storage.database import Database

Rows = list[dict[str, Any]]


async def rows_of(db: Database, table: Table) -> Rows:
    """Every row of a table, ordered by the platform's ids, as Python values."""
    async with db.reading() as connection:
        key = (table.c.channel_id, table.c.platform_id) if table.name == "messages" else table.primary_key
        result = await connection.execute(select(table).order_by(*key))
        return [dict(row) for row in result.mappings()]


async def only_row(db: Database, table: Table) -> dict[str, Any]:
    """The one row of a table."""
    (row,) = await rows_of(db, table)
    return row


async def count_of(db: Database, table: Table) -> int:
    """How many rows a table has."""
    async with db.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def until_stored(db: Database, table: Table, rows: int) -> None:
    """Wait until a table has so many rows."""
    while await count_of(db, table) < rows:  # noqa: ASYNC110 # another process may write them
        await asyncio.sleep(0.01)


async def run_sql(db: Database, statement: str, **values: object) -> None:
    """Change an archive behind the back of the functions under test."""
    async with db.writing() as connection:
        await connection.execute(text(statement), values)
