"""What is moved: every table but the ones named here, in the order of its key, some rows at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, Table, literal, select, tuple_

from storage.sql import UtcDateTime
from storage.tables import metadata, processes, search_index, turns

Key: TypeAlias = tuple[Any, ...]
"""The values of a table's primary key."""

NOT_COPIED: Mapping[Table, str] = {
    processes: "those of the archive that is left; those of the new one enter themselves",
    turns: "whose turn it is among those processes",
    search_index: "how far SQLite's index for searching is: the index is built anew in PostgreSQL's own way",
}
"""Tables that stay behind, each with why. Neither do SQLite's tables of that index, which are no archive's tables."""


def copied_tables() -> list[Table]:
    """Return the tables that are moved, what others refer to first."""
    return [table for table in metadata.sorted_tables if table not in NOT_COPIED]


def key_of(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns of the primary key, by which both databases sort alike: numbers, and text by its bytes."""
    return list(table.primary_key.columns)


def rows_after(
    table: Table, after: Key | None, limit: int, columns: Sequence[ColumnElement[Any]] | None = None
) -> Select[Any]:
    """Build the query for the next rows of a table in the order of its key; the key's columns come first.

    Args:
        table: the table.
        after: the key of the row before; None: from the first one on.
        limit: how many at most.
        columns: those that are wanted; by default all.
    """
    key = key_of(table)
    query = select(*(columns or ordered_columns(table))).order_by(*key).limit(limit)
    if after is None:
        return query
    return query.where(tuple_(*key) > tuple_(*(literal(v, c.type) for v, c in zip(after, key, strict=True))))


def ordered_columns(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns of a table, those of its key first."""
    key = key_of(table)
    return [*key, *(column for column in table.columns if not column.primary_key)]


def last_key(table: Table) -> Select[Any]:
    """Build the query for the key of the last row."""
    key = key_of(table)
    return select(*key).order_by(*(column.desc() for column in key)).limit(1)


def key_of_json(table: Table, values: Sequence[Any]) -> Key:
    """Return a key that was kept as JSON, in which a time is text."""
    return tuple(
        datetime.fromisoformat(value) if isinstance(column.type, UtcDateTime) else value
        for column, value in zip(table.primary_key.columns, values, strict=True)
    )


def named(table: Table, key: Key) -> str:
    """Name a row for the operator."""
    values = ", ".join(f"{column.name} {value!r}" for column, value in zip(table.primary_key.columns, key, strict=True))
    return f"{table.name}, {values}"
