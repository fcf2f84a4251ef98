"""The turn of a transaction that gives positions to changes, or deletes channels whose changes may be given some.

A position that is given while a purge deletes what had one would be left for ever. On PostgreSQL the turn is a lock
that a transaction holds to its end, over all processes. SQLite has one writer.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK_KEY = 0x506C6174_43686E67  # any number that nothing else on this database uses: "PlatChng"

# Whatever the server's default is: a snapshot from before the lock would not show all that was committed before it.
_COMMITTED = text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
_LOCK = text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


async def take_numbering_turn(connection: AsyncConnection) -> None:
    """Wait for those who have the turn; what they committed is seen from here on.

    Args:
        connection: a transaction that has sent nothing yet.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_COMMITTED)
        await connection.execute(_LOCK)
