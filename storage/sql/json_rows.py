"""Rows out of one parameter that holds a JSON array: many keys or rows in one statement, written once.

Each database makes rows of JSON with functions of its own, so that is the one place where they differ.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    bindparam,
    column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text, TypeEngine


def json_strings(parameter: str) -> ColumnElement[str]:
    """Read a parameter as a JSON array of strings: a column with one of them a row."""
    rows = _Strings(bindparam(parameter, type_=Text)).table_valued(column("value", Text), name=parameter)
    return rows.c.value


def json_objects(
    source: str | ColumnElement[Any], name: str | None = None, /, **columns: TypeEngine[Any]
) -> FromClause:
    """Read a JSON array of objects: a table with one of them a row, of whose keys those count that are columns.

    Args:
        source: the name of a parameter; on PostgreSQL also the column of a table to its left.
        name: of the table; else that of the parameter.
        columns: their types by name.
    """
    value = bindparam(source, type_=Text) if isinstance(source, str) else source
    given = (column(name, of_type) for name, of_type in columns.items())
    return _Objects(value).table_valued(*given, name=name or str(source))


def types_of(table: Table, columns: Iterable[str]) -> dict[str, TypeEngine[Any]]:
    """Return the types of columns by name."""
    return {name: table.c[name].type for name in columns}


class _Strings(FunctionElement[str]):
    inherit_cache = True


class _Objects(FunctionElement[Any]):
    inherit_cache = True  # the columns are part of the type, and so of the key


@compiles(_Strings, "sqlite")
def _sqlite_strings(element: _Strings, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **_inner(kw))})"


@compiles(_Strings, "postgresql")
def _postgres_strings(element: _Strings, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements_text({_as_json(element, compiler, kw)})"


@compiles(_Objects, "sqlite")
def _sqlite_objects(element: _Objects, compiler: SQLCompiler, **kw: Any) -> str:
    # Written whole: SQLite has no list of columns with types behind an alias.
    fields = ", ".join(f"json_extract(value, '$.{c.name}') AS {compiler.preparer.quote(c.name)}" for c in element.c)
    return f"(SELECT {fields} FROM json_each({compiler.process(element.clauses, **_inner(kw))}))"  # noqa: S608 # no value


@compiles(_Objects, "postgresql")
def _postgres_objects(element: _Objects, compiler: SQLCompiler, **kw: Any) -> str:
    types = compiler.dialect.type_compiler_instance
    fields = ", ".join(f"{compiler.preparer.quote(c.name)} {types.process(c.type)}" for c in element.c)
    return f"ROWS FROM (json_to_recordset({_as_json(element, compiler, kw)}) AS ({fields}))"


def _as_json(element: FunctionElement[Any], compiler: SQLCompiler, kw: dict[str, Any]) -> str:
    return f"CAST({compiler.process(element.clauses, **_inner(kw))} AS JSON)"


def _inner(kw: dict[str, Any]) -> dict[str, Any]:
    """Leave out what concerns the whole row source and not its argument."""
    return {name: value for name, value in kw.items() if name not in ("add_to_result_map", "asfrom", "lateral")}
