"""INSERT with ON CONFLICT, written once for both databases.

PostgreSQL's construct compiles for SQLite to the same text as SQLite's own; the reverse fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import Insert, insert

from storage.sql.params import NOW

_TIMESTAMPS = ("created_at", "updated_at")


def insert_parameters(table: Table, columns: Iterable[str]) -> Insert:
    """Insert one row of parameters that are named like the columns, the two time stamps among them."""
    return insert(table).values({name: bindparam(name) for name in (*columns, *_TIMESTAMPS)})


def insert_rows(table: Table, source: FromClause, values: Mapping[str, ColumnElement[Any]]) -> Insert:
    """Insert what ``source`` yields, at the parameter ``now``."""
    values = {**values, **dict.fromkeys(_TIMESTAMPS, NOW)}
    return insert(table).from_select(list(values), select(*values.values()).select_from(source))


def update_changed(
    statement: Insert,
    key: Sequence[str],
    columns: Iterable[str],
    *,
    revised: Mapping[str, ColumnElement[Any]] | None = None,
    along: Mapping[str, ColumnElement[Any]] | None = None,
) -> Insert:
    """Let an insert bring the rows that are there already to the new values; rows that have them are not written.

    Args:
        statement: the insert.
        key: the columns that tell rows apart.
        columns: those that take the new value.
        revised: what else a column becomes, instead of the new value or beside the others.
        along: columns that follow where others have changed, and are no change by themselves.
    """
    table = statement.table
    changes = {name: statement.excluded[name] for name in columns if name not in key} | dict(revised or {})
    return statement.on_conflict_do_update(
        index_elements=key,
        set_=changes | {"updated_at": statement.excluded.updated_at} | dict(along or {}),
        where=differs((table.c[name], new) for name, new in changes.items()),
    )


def sqlite_text(statement: Insert, columns: Iterable[str]) -> str:
    """Compile an insert of parameters for tuples of values, in the order of ``columns`` and then the time stamps."""
    names = [*columns, *_TIMESTAMPS]
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))
    if getattr(compiled, "positiontup", None) != names:
        raise AssertionError(f"the columns of {statement.table} are given in another order than the table's")
    return str(compiled)


def differs(changes: Iterable[tuple[ColumnElement[Any], ColumnElement[Any]]]) -> ColumnElement[bool]:
    """Find out in SQL whether any stored value is another than the new one. What does not differ is not rewritten."""
    return or_(*(stored.is_distinct_from(new) for stored, new in changes))
