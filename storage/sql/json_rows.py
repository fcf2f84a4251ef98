"""Upserts of many rows at little more than the price of the database itself.

Nothing is read back and no statement is built twice. SQLite's driver takes tuples with one prepared statement;
PostgreSQL takes one JSON text and makes rows of it. Per row both cost a fraction of parameters by name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Table,
    UniqueConstraint,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import Text, TypeEngine

from storage.sql.types import UtcDateTime
from storage.sql.upsert import INSERT, differs

_AUDIT = ("created_at", "updated_at")


def sqlite_upsert(table: Table, columns: Iterable[str]) -> str:
    """The statement's text. Its parameters are the columns, in the table's order, then created_at and updated_at."""
    names = [*columns, *_AUDIT]
    statement = INSERT["sqlite"](table).values({name: bindparam(name) for name in names})
    dialect = sqlite.dialect(paramstyle="qmark")
    compiled = _updating(statement, table, names).compile(dialect=dialect)
    if compiled.positiontup != names:
        raise AssertionError(f"the columns of {table.name} are given in another order than the table's")
    return str(compiled)


def postgres_upsert(table: Table, source: FromClause, values: Mapping[str, ColumnElement[Any]]) -> sqlite.Insert:
    """The statement that makes rows of what ``source`` yields; ``now`` is its parameter for the audit columns."""
    now = bindparam("now", type_=UtcDateTime)
    values = {**values, "created_at": now, "updated_at": now}
    rows = select(*values.values()).select_from(source)
    return _updating(INSERT["postgresql"](table).from_select(list(values), rows), table, list(values))


def json_rows(source: ColumnElement[Any], name: str, **columns: TypeEngine[Any]) -> FromClause:
    """Rows of JSON objects on PostgreSQL; of an object's keys those that are columns count."""
    rows = func.json_to_recordset(source).table_valued(*(column(n, t) for n, t in columns.items()))
    return rows.render_derived(name=name, with_types=True)


def json_parameter(name: str) -> ColumnElement[Any]:
    """A parameter that holds JSON text."""
    return cast(bindparam(name, type_=Text), JSON)


def json_elements(dialect: str, parameter: str, of_type: Text | JSON) -> ColumnElement[str]:
    """The elements of a JSON array that is a parameter, one a row."""
    if dialect == "sqlite":
        rows = func.json_each(bindparam(parameter, type_=Text))
    else:
        suffix = "_text" if isinstance(of_type, Text) else ""
        rows = getattr(func, f"json_array_elements{suffix}")(json_parameter(parameter))
    return rows.table_valued(column("value", of_type), name=parameter).c.value


def json_table(dialect: str, parameter: str, **columns: TypeEngine[Any]) -> FromClause:
    """Rows of a JSON array of objects that is a parameter; of an object's keys those that are columns count."""
    if dialect == "postgresql":
        return json_rows(json_parameter(parameter), parameter, **columns)
    value = func.json_each(bindparam(parameter, type_=Text)).table_valued("value", name=f"each_of_{parameter}").c.value
    fields = (func.json_extract(value, literal_column(f"'$.{n}'"), type_=t).label(n) for n, t in columns.items())
    return select(*fields).subquery(parameter)


def types_of(table: Table, columns: Iterable[str]) -> dict[str, TypeEngine[Any]]:
    """The types of some columns by name."""
    return {name: table.c[name].type for name in columns}


def _updating(statement: sqlite.Insert, table: Table, names: list[str]) -> sqlite.Insert:
    """Make the rows that are there already like the new ones; those that are so already are left alone.

    A replied-to author is kept: platforms stop telling it once the original is deleted.
    """
    key = _conflict_key(table)
    changes: dict[str, Any] = {n: statement.excluded[n] for n in names if n not in (*key, *_AUDIT)}
    if (forgettable := "reply_to_author_hash") in changes:
        changes[forgettable] = func.coalesce(changes[forgettable], table.c[forgettable])
    return statement.on_conflict_do_update(
        index_elements=key,
        set_=changes | {"updated_at": statement.excluded.updated_at},
        where=differs((table.c[name], new) for name, new in changes.items()),
    )


def _conflict_key(table: Table) -> list[str]:
    """What tells rows apart by the platform's ids: a unique constraint, or else the primary key."""
    unique = next((c for c in table.constraints if isinstance(c, UniqueConstraint)), table.primary_key)
    return [column.name for column in unique.columns]
