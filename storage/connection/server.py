"""What a PostgreSQL database must be to hold the archive, and the mark of one that an archive is being moved to.

The mark is a table of its own, made with the first and dropped with the last step of a move, so that it can neither be
copied nor stay behind.
"""

from sqlalchemy import Connection, bindparam, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.connection.driver_errors import translated
from storage.errors import DatabaseReadOnly, DatabaseUnsuitable, SessionsShared, UnfinishedMove
from storage.tables import metadata

UNFINISHED_MOVE = "unfinished_move"
"""The name of that table."""

_FACTS = text("SELECT current_setting('server_encoding'), current_setting('transaction_read_only')")
_SESSION = text("SELECT pg_backend_pid()")
_MAY_WRITE = text(
    "SELECT coalesce("
    " bool_and(has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')"
    " AND has_table_privilege(oid, 'DELETE')),"
    " has_schema_privilege(current_schema(), 'CREATE'))"
    " FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname IN :tables"
).bindparams(bindparam("tables", expanding=True))


async def is_read_only(connection: AsyncConnection) -> bool:
    """Find out whether the server only reads: a standby, or one that is set so.

    Raises:
        DatabaseUnsuitable: it cannot hold every text.
    """
    encoding, read_only = (await connection.execute(_FACTS)).one()
    if encoding != "UTF8":
        raise DatabaseUnsuitable(f"{DatabaseUnsuitable().args[0]} (this one has {encoding})")
    return bool(read_only == "on")


async def may_write(connection: AsyncConnection) -> bool:
    """Find out whether our role may change the archive's tables, or make them where there are none yet."""
    answer = await connection.execute(_MAY_WRITE, {"tables": list(metadata.tables)})
    return bool(answer.scalar_one())


async def check_server(connection: AsyncConnection) -> None:
    """Go on only with a database that can hold every text, and be written.

    Raises:
        DatabaseUnsuitable, DatabaseReadOnly: it is another.
    """
    if await is_read_only(connection):
        raise DatabaseReadOnly


async def check_sessions(engine: AsyncEngine) -> None:
    """Go on only where each connection to PostgreSQL has a session of the server for itself.

    It takes two connections at once.

    Raises:
        SessionsShared: a pooler lends a session for a transaction each.
        StorageError: the database cannot be used.
    """
    with translated():
        async with engine.connect() as one, engine.connect() as other:
            await compare_sessions(one, other)


async def compare_sessions(one: AsyncConnection, other: AsyncConnection) -> None:
    """Go on only where two connections are in two sessions, and stay in them from transaction to transaction.

    Raises:
        SessionsShared: they do not.
    """
    seen: dict[AsyncConnection, set[int]] = {one: set(), other: set()}
    for connection in (one, other, other, one, one, other):  # in no order in which a pooler may lend them in turn
        seen[connection].add((await connection.execute(_SESSION)).scalar_one())
        await connection.rollback()
    if len(seen[one]) > 1 or len(seen[other]) > 1 or not seen[one].isdisjoint(seen[other]):
        raise SessionsShared


def is_unfinished(connection: Connection) -> bool:
    """Find out whether a move to this database has begun and not ended."""
    return connection.dialect.name == "postgresql" and inspect(connection).has_table(UNFINISHED_MOVE)


def refuse_unfinished(connection: Connection) -> None:
    """Go on only where no move has begun, or the last one was completed.

    Raises:
        UnfinishedMove: one has.
    """
    if is_unfinished(connection):
        raise UnfinishedMove
