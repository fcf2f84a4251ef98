"""How a connection to each database has to be set up."""

import weakref
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import orjson
from sqlalchemy import URL, Connection, NullPool, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.sql import SQLITE_CLOCK, dump_json, utc_text

BUSY_SECONDS = 30.0
"""How long a write waits for another one: our own writers queue, an analyst's tool may hold a lock."""

_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # a power cut may undo the last batches, rows and checkpoint together
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # overrides SQLite's build option: deleted or replaced data is overwritten
    # Measured at 300,000 messages: a third less CPU than with the defaults of 2 MB and 1,000 pages.
    "PRAGMA cache_size = -16384",  # KiB; the random inserts into the author index
    "PRAGMA wal_autocheckpoint = 4000",  # pages of 4 KiB
    "PRAGMA journal_size_limit = 67108864",  # bytes; the file shrinks again after a reader held it up
)
_READER_PRAGMAS = ("PRAGMA query_only = ON",)
_MIGRATOR_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA secure_delete = ON",
)

_CLOSING = "closing"

Clock: TypeAlias = Callable[[], datetime]

# Parameters would put archived text into error messages.
_COMMON: dict[str, Any] = {"hide_parameters": True, "json_serializer": dump_json, "json_deserializer": orjson.loads}


def sqlite_writer(url: URL, clock: Clock) -> AsyncEngine:
    """Make the engine of the one connection that writes.

    One, because SQLite before 3.51.3 can damage a WAL database when two connections write or checkpoint at the
    same instant (https://www.sqlite.org/wal.html#walresetbug).
    """
    engine = _sqlite(url, _WRITER_PRAGMAS, clock, pool_size=1, max_overflow=0, pool_timeout=2 * BUSY_SECONDS)
    _begin_immediate(engine)
    return engine


def sqlite_reader(url: URL, clock: Clock, **options: Any) -> AsyncEngine:
    """Make an engine of connections that cannot write and never wait for the one that does."""
    return _sqlite(url, _READER_PRAGMAS, clock, **{"pool_size": 4, "max_overflow": 4, **options})


def sqlite_migrator(url: URL, clock: Clock) -> AsyncEngine:
    """Make an engine for migrations: rebuilding a table with foreign keys on would delete what refers to it."""
    engine = _sqlite(url, _MIGRATOR_PRAGMAS, clock, poolclass=NullPool)
    _begin_immediate(engine)
    return engine


IDLE_SECONDS = 10.0
"""How long a transaction may wait for its process: one that stands still must not keep rows from the others."""
# Where the network to the server is gone nothing would ever end the wait for an answer.
_NOTICING = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


def postgres(url: URL, **options: Any) -> AsyncEngine:
    """Make an engine whose pool notices a restarted server before a statement fails on it.

    The time zone of its sessions is UTC, whatever the server, the database, the role or the URL sets: in another zone
    the year 1 can fall into the year before, which Python cannot represent.
    """
    connect: dict[str, Any] = {
        "application_name": "platform-sync",
        "connect_timeout": 10,
        "client_encoding": "utf8",  # whatever the server has, so that it can be queried
        **_NOTICING,
    }
    connect = {k: v for k, v in connect.items() if k not in url.query}
    options = {"pool_pre_ping": True, "use_native_hstore": False, **options}  # hstore: a query for a type not used here
    engine = create_async_engine(url, connect_args=connect, **_COMMON, **options)
    event.listen(engine.sync_engine, "do_connect", _connect)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS:.0f}s'")
        cursor.close()
        connection.commit()  # otherwise the first rollback would undo it

    return engine


def _connect(dialect: Dialect, entry: ConnectionPoolEntry, args: Any, options: Any) -> DBAPIConnection:
    """Connect so that the connection is closed with the pool's entry, at the latest.

    Where a call is cancelled while its new connection is being prepared, the pool forgets the entry and closes nothing.
    """
    connection = dialect.connect(*args, **options)
    closing = weakref.finalize(entry, connection.driver_connection.pgconn.finish)
    closing.atexit = False
    if (info := entry.record_info) is not None:
        if earlier := info.pop(_CLOSING, None):  # of a connection that the pool has closed
            earlier.detach()
        info[_CLOSING] = closing
    return connection


def forbid_writing(engine: AsyncEngine) -> None:
    """Let every new connection of an engine for PostgreSQL refuse to write."""

    @event.listens_for(engine.sync_engine, "connect")
    def forbid(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET default_transaction_read_only = on")
        cursor.close()
        connection.commit()  # otherwise the first rollback would undo it


def _sqlite(url: URL, pragmas: tuple[str, ...], clock: Clock, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, **_COMMON, **options)

    def later(seconds: float) -> str:
        return utc_text(clock() + timedelta(seconds=seconds))

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver would begin transactions late, and none for a SELECT
        connection.create_function(SQLITE_CLOCK, 1, later)
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    return engine


def _begin_immediate(engine: AsyncEngine) -> None:
    """Take the write lock at the start of a transaction: upgrading later can fail at once instead of waiting."""

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
