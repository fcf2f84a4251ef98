"""Let an erasure wait for transactions that began before its request was recorded, without blocking any.

On PostgreSQL a transaction that stores a platform's data takes a shared advisory lock before it reads the erasure
requests. The lock is never taken exclusively, so nobody waits for it. After a request is recorded, the erasure lists
the holders of the lock and waits until they have ended; a backup holds no such lock. SQLite has one writer.
"""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database

_SPACE, _READING, _ERASING = 0x506C6174, 1, 2  # "Plat"; arbitrary numbers that nothing else on the database uses
_POLL_SECONDS = 0.05

_ENTER = text(f"SELECT pg_advisory_xact_lock_shared({_SPACE}, {_READING})")
_TAKE_TURN = text(f"SELECT pg_advisory_xact_lock({_SPACE}, {_ERASING})")
_INSIDE = text(
    "SELECT virtualtransaction FROM pg_locks"  # noqa: S608 # our own numbers
    f" WHERE locktype = 'advisory' AND classid = {_SPACE} AND objid = {_READING} AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def enter(connection: AsyncConnection) -> None:
    """Take the shared lock, before the erasure requests are read in a transaction that stores a platform's data."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_ENTER)


async def take_turn(connection: AsyncConnection) -> None:
    """Serialize the steps of erasures over all processes; two steps could deadlock on each other's rows."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_TAKE_TURN)


async def until_known_to_all(db: Database) -> None:
    """Wait until every transaction has ended that may have read the erasure requests before now."""
    if db.dialect != "postgresql":
        return
    unaware = await _inside(db)
    while unaware:
        await asyncio.sleep(_POLL_SECONDS)
        unaware &= await _inside(db)


@finish_before_cancel
async def _inside(db: Database) -> set[str]:
    async with db.reading() as connection:
        return set((await connection.execute(_INSIDE)).scalars())
