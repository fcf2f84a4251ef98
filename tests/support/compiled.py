"""One cache of compiled statements for all databases that a test run opens.

Every test opens an archive of its own, and SQLAlchemy compiles each statement anew for each engine: a third of the
storage tests' time. A compiled statement depends on its dialect's class alone here, as all engines are made alike.
"""

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg, PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_DIALECTS = SQLiteDialect_aiosqlite, SQLiteDialect_pysqlite, PGDialect_psycopg, PGDialectAsync_psycopg
_compiled: dict[Any, Any] = {}


def share_compiled_statements() -> None:
    """Let all engines of this process use one cache, in which dialects of one class are the same key."""
    for dialect in _DIALECTS:
        dialect.__eq__ = _is_alike  # type: ignore[method-assign, assignment]
        dialect.__hash__ = _hash_of_class  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _use_cache)


def _is_alike(one: Dialect, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_class(dialect: Dialect) -> int:
    return hash(type(dialect))


def _use_cache(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_compiled)
