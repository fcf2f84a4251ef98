"""Functions that each database spells its own way."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from storage.sql.types import JsonObject, UtcDateTime


class DatabaseTime(FunctionElement[datetime]):
    """The current time by the database's clock, plus a number of seconds (the argument).

    On PostgreSQL it is the server's clock, shared by all processes. On SQLite, which a single process uses, it is the
    clock passed when the archive was opened.
    """

    inherit_cache = True
    type = UtcDateTime()


SQLITE_CLOCK = "archive_time"
"""Name of a function on every SQLite connection: the current time in stored form, plus a number of seconds."""


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(element: DatabaseTime, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{SQLITE_CLOCK}({compiler.process(element.clauses, **kw) or 0})"


# Not now(), which is the time at which the transaction began; it may have waited for a lock since.
@compiles(DatabaseTime, "postgresql")
def _postgres_time(element: DatabaseTime, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))" if seconds else "clock_timestamp()"


class PositionOf(FunctionElement[int]):
    """Where in a text (the first argument) a part of it (the second) begins; 0 where it is not in it."""

    inherit_cache = True
    type = Integer()


@compiles(PositionOf, "sqlite")
def _sqlite_position(element: PositionOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(PositionOf, "postgresql")
def _postgres_position(element: PositionOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


def json_as_text(value: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the text of a column of ``JsonObject``."""
    return cast(value, Text)


class TextAsJson(FunctionElement[Any]):
    """A text as a value of ``JsonObject``. SQLite keeps it as text: a cast there would make a number of it."""

    inherit_cache = True
    type = JsonObject


@compiles(TextAsJson, "sqlite")
def _sqlite_json(element: TextAsJson, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(TextAsJson, "postgresql")
def _postgres_json(element: TextAsJson, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS JSONB)"


class JsonMerged(FunctionElement[Any]):
    """A JSON object (the first argument) updated with the keys of another one, a JSON text (the second)."""

    inherit_cache = True
    type = JsonObject


@compiles(JsonMerged, "sqlite")
def _sqlite_merged(element: JsonMerged, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_patch({compiler.process(element.clauses, **kw)})"


@compiles(JsonMerged, "postgresql")
def _postgres_merged(element: JsonMerged, compiler: SQLCompiler, **kw: Any) -> str:
    one, other = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({one} || CAST({other} AS JSONB))"


class DayOf(FunctionElement[str]):
    """The day of a time in UTC, as 2026-11-26."""

    inherit_cache = True
    type = Text()


@compiles(DayOf, "sqlite")
def _sqlite_day(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 10)"


@compiles(DayOf, "postgresql")
def _postgres_day(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class HourOf(FunctionElement[int]):
    """The hour of a time in UTC, from 0 to 23."""

    inherit_cache = True
    type = Integer()


@compiles(HourOf, "sqlite")
def _sqlite_hour(element: HourOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(substr({compiler.process(element.clauses, **kw)}, 12, 2) AS INTEGER)"


@compiles(HourOf, "postgresql")
def _postgres_hour(element: HourOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(EXTRACT(HOUR FROM {compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC') AS INTEGER)"
