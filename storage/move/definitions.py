"""What the tables of the target are without while rows are copied: indexes, references and triggers.

References would need rows in an order that no table with a parent in itself has; triggers would note each copied row
as a change; indexes are built faster at the end. The keys stay: they are what a copy goes on by. What was dropped is
noted by the statement that makes it again, as the server itself writes it.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import metadata

# ruff: noqa: S608 # no statement here holds a value

_TABLES = bindparam("tables", type_=ARRAY(Text))
_OURS = "{table}.relnamespace = current_schema()::regnamespace AND {table}.relname = ANY(:tables)"
_REFERENCES = text(
    "SELECT format('%I.%I', t.relname, r.conname) AS name,"
    " format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, r.conname, pg_get_constraintdef(r.oid)) AS statement,"
    " format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, r.conname) AS removal"
    " FROM pg_constraint r JOIN pg_class t ON t.oid = r.conrelid"
    f" WHERE r.contype = 'f' AND {_OURS.format(table='t')} ORDER BY 1"
).bindparams(_TABLES)
_INDEXES = text(
    "SELECT format('%I', i.relname) AS name, pg_get_indexdef(i.oid) AS statement,"
    " format('DROP INDEX %I', i.relname) AS removal"
    " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
    f" WHERE {_OURS.format(table='t')} AND NOT EXISTS"
    " (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')) ORDER BY 1"
).bindparams(_TABLES)


async def take_off(connection: AsyncConnection) -> dict[str, str]:
    """Drop indexes and references, and switch the triggers off. Returns what makes them again, by name."""
    dropped: dict[str, str] = {}
    # Indexes come first in what is made again: a reference's rows are found by them.
    for query in (_INDEXES, _REFERENCES):
        for row in (await connection.execute(query, _of_ours())).all():
            dropped[row.name] = row.statement
            await connection.exec_driver_sql(row.removal)
    await switch_triggers(connection, "DISABLE")
    return dropped


async def missing(connection: AsyncConnection, wanted: Mapping[str, str]) -> list[str]:
    """Return the statements that make what is not there again, in their order."""
    there = {row.name for query in (_INDEXES, _REFERENCES) for row in await connection.execute(query, _of_ours())}
    return [statement for name, statement in wanted.items() if name not in there]


async def switch_triggers(connection: AsyncConnection, how: str) -> None:
    """Switch all triggers of the tables, but those of references: ENABLE or DISABLE."""
    quote = connection.dialect.identifier_preparer.format_table
    for table in metadata.sorted_tables:
        await connection.exec_driver_sql(f"ALTER TABLE {quote(table)} {how} TRIGGER USER")


def _of_ours() -> dict[str, Sequence[str]]:
    return {"tables": list(metadata.tables)}
