"""Connections on which people ask: few, read-only, and with a time limit on each query.

They are apart from those of the daemon's own work, so that the most expensive question delays none of it: it ends by
its limit, and others like it wait for one of these few connections.
"""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.connection.engines import Clock, forbid_writing, postgres, sqlite_reader
from storage.errors import QueryTooLong

_POOL: dict[str, Any] = {"pool_size": 3, "max_overflow": 0, "pool_timeout": 10.0}
_STEPS = 20_000  # of SQLite's virtual machine between two looks at the time: about a millisecond
_USUAL_LIMIT = timedelta(seconds=3)
_LIMIT, _ENDS_AT = "time limit", "query ends at"  # keys of what is noted beside a connection
_CANCELLED = "57014"  # https://www.postgresql.org/docs/current/errcodes-appendix.html


def asking_engine(url: URL, clock: Clock) -> AsyncEngine:
    """Make an engine of connections to answer people by; they are lent by ``lend_limited``."""
    if url.get_backend_name() == "sqlite":
        engine = sqlite_reader(url, clock, **_POOL)
        event.listen(engine.sync_engine, "connect", _watch_time)
        event.listen(engine.sync_engine, "before_cursor_execute", _begin_query)
        return engine
    engine = postgres(url, **_POOL)
    forbid_writing(engine)
    event.listen(engine.sync_engine, "connect", _limit_time)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def lend_limited(engine: AsyncEngine, limit: timedelta) -> AsyncIterator[AsyncConnection]:
    """Lend a connection of ``asking_engine``, each query on which ends after a time.

    Raises:
        QueryTooLong: one was cut off.
    """
    try:
        async with engine.connect() as connection:
            await _set_limit(connection, limit)
            yield connection
    except DBAPIError as error:
        if _is_cut_off(error):
            raise QueryTooLong from error
        raise


async def _set_limit(connection: AsyncConnection, limit: timedelta) -> None:
    noted = connection.info
    if noted.get(_LIMIT) == limit:
        return
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(_timeout_of(limit))
    noted[_LIMIT] = limit


def _timeout_of(limit: timedelta) -> str:
    return f"SET statement_timeout = {max(1, int(limit / timedelta(milliseconds=1)))}"


def _watch_time(connection: Any, entry: ConnectionPoolEntry) -> None:
    noted = entry.info
    noted[_LIMIT] = _USUAL_LIMIT

    def is_over() -> bool:
        ends_at: float = noted.get(_ENDS_AT, float("inf"))
        return time.monotonic() > ends_at

    connection.run_async(lambda driver: driver.set_progress_handler(is_over, _STEPS))


def _begin_query(connection: Connection, *_: Any) -> None:
    limit: timedelta | None = connection.info.get(_LIMIT)
    connection.info[_ENDS_AT] = time.monotonic() + limit.total_seconds() if limit else float("inf")


def _limit_time(connection: Any, entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(_timeout_of(_USUAL_LIMIT))
    entry.info[_LIMIT] = _USUAL_LIMIT
    cursor.close()
    connection.commit()  # otherwise the first rollback would undo it


def _is_cut_off(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_INTERRUPT
    return getattr(error.orig, "sqlstate", None) == _CANCELLED
