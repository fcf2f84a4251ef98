"""The schema: the migrations make exactly what the tables say, and both dialects have the same columns."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Inspector, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from storage.database import Database, migrate
from storage.tables import metadata
from tests.support.postgres import Postgres

_POSTGRES_CATALOG = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, is_identity"
    " FROM information_schema.columns WHERE table_schema = 'public'"
    " AND table_name NOT IN (SELECT viewname FROM pg_views WHERE schemaname = 'public')",
)
_SQLITE_CATALOG = (
    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    " AND type IN ('table', 'index')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes empty databases of one kind."""
    if request.param == "sqlite":
        names = iter("ab")
        return lambda: f"sqlite:///{tmp_path}/{next(names)}.db"
    server: Postgres = request.getfixturevalue("postgres")
    return lambda: server.create_database(migrated=False)


@pytest.mark.slow
async def test_the_migrations_make_what_the_tables_say(new_database: Callable[[], str]) -> None:
    migrated, created = new_database(), new_database()
    await migrate(migrated)
    _with_connection(created, metadata.create_all)
    assert _with_connection(migrated, _catalog) == _with_connection(created, _catalog)


@pytest.mark.slow
async def test_alembic_finds_nothing_to_migrate(new_database: Callable[[], str]) -> None:
    url = new_database()
    await migrate(url)

    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert _with_connection(url, differences) == []


@pytest.mark.slow
async def test_both_dialects_have_the_same_columns(both: tuple[Database, Database]) -> None:
    sqlite, postgres = [await _columns(db) for db in both]
    assert sqlite.keys() == postgres.keys()
    same = {("TEXT", "TEXT"), ("JSON", "JSONB"), ("BOOLEAN", "BOOLEAN"), ("BIGINT", "BIGINT"), ("INTEGER", "INTEGER")}
    for place, (of_sqlite, is_nullable) in sqlite.items():
        of_postgres, is_nullable_there = postgres[place]
        name = place[1]
        expected = same
        if name.endswith(("_at", "_since", "withheld_from", "_after", "_until", "_before")):
            expected = {("TEXT", "TIMESTAMP WITH TIME ZONE")}
        elif name == "id" or name in ("channel_id", "parent_id"):
            expected = {("TEXT", "TEXT"), ("INTEGER", "BIGINT")}
        assert (of_sqlite, of_postgres) in expected, place
        assert is_nullable == is_nullable_there, place


async def test_every_table_has_audit_times(db: Database) -> None:
    columns = await _columns(db)
    # Of the feed of changes a position is a time, and a row is written for each change.
    for table in metadata.tables.keys() - {"message_changes", "change_queue"}:
        times = [columns[table, name][1] for name in ("created_at", "updated_at")]
        assert not any(times), f"{table} may hold rows without a time"


async def test_every_reference_has_an_index(db: Database) -> None:
    """Or deleting a tenant would read whole tables once for each of its channels."""

    def unindexed(connection: Connection) -> list[Any]:
        found = inspect(connection)
        keys: list[Any] = [key | {"table": t} for t in metadata.tables for key in found.get_foreign_keys(t)]
        return [key["name"] for key in keys if not _has_index(found, key["table"], key["constrained_columns"])]

    async with db.reading() as connection:
        # Of messages (tenant_id, channel_id) the key's first column, channel_id, serves.
        assert await connection.run_sync(unindexed) == ["fk_messages_tenant_id_channel_id"]


def _has_index(found: Inspector, table: str, columns: list[str]) -> bool:
    indexes: list[Any] = [
        found.get_pk_constraint(table)["constrained_columns"],
        *(index["column_names"] for index in found.get_indexes(table) if not _is_partial(index)),
        *(unique["column_names"] for unique in found.get_unique_constraints(table)),
    ]
    return any(set(columns) <= set(index[: len(columns)]) for index in indexes)


def _is_partial(index: Any) -> bool:
    return any(option.endswith("_where") for option in index.get("dialect_options", {}))


async def _columns(db: Database) -> dict[tuple[str, str], tuple[str, bool]]:
    """Type and nullability by table and column."""

    def look(connection: Connection) -> dict[tuple[str, str], tuple[str, bool]]:
        found = inspect(connection)
        return {
            (table, column["name"]): (_type_name(column["type"], connection), column["nullable"])
            for table in metadata.tables
            for column in found.get_columns(table)
        }

    async with db.reading() as connection:
        return await connection.run_sync(look)


def _type_name(column_type: Any, connection: Connection) -> str:
    return str(column_type.compile(connection.dialect)).partition(" COLLATE")[0]


def _with_connection(url: str, look: Callable[[Connection], Any]) -> Any:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        return look(connection)


def _catalog(connection: Connection) -> list[Any]:
    """What the database itself says of its tables; the order of a table's parts does not count."""
    if connection.dialect.name == "postgresql":
        rows = [tuple(row) for query in _POSTGRES_CATALOG for row in connection.execute(text(query))]
        return sorted((row for row in rows if row[0] != "alembic_version"), key=repr)
    return sorted(
        (name, sorted(_parts(sql)))
        for name, sql in connection.execute(text(_SQLITE_CATALOG))
        if name != "alembic_version"
    )


def _parts(sql: str) -> list[str]:
    """A definition without its white space, cut at the commas that are in no further brackets.

    SQLite keeps the text that made a table, appends to it what a migration adds, and quotes the name of a table that
    was rebuilt.
    """
    head, _, rest = re.sub(r'[\s"]+', "", sql).partition("(")
    body, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [head, tail, *parts]
