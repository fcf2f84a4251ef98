"""How an erasure waits until nobody writes any more who did not know of its request, and holds up nobody meanwhile.

On PostgreSQL a transaction that stores what a platform says takes a shared advisory lock before it reads the requests.
Nobody ever takes that lock alone, so none of them waits. A request that is recorded looks who holds the lock at that
instant, and waits until those are gone; a backup, which holds no such lock, does not count. SQLite has one writer.
"""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database

_SPACE, _READING, _ERASING = 0x506C6174, 1, 2  # "Plat": any numbers that nothing else on this database uses
_POLL_SECONDS = 0.05

_ENTER = text(f"SELECT pg_advisory_xact_lock_shared({_SPACE}, {_READING})")
_TAKE_TURN = text(f"SELECT pg_advisory_xact_lock({_SPACE}, {_ERASING})")
_INSIDE = text(
    "SELECT virtualtransaction FROM pg_locks"  # noqa: S608 # our own numbers
    f" WHERE locktype = 'advisory' AND classid = {_SPACE} AND objid = {_READING} AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def enter(connection: AsyncConnection) -> None:
    """Say, before the erasure requests are read, that the transaction is going to store what it was told."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_ENTER)


async def take_turn(connection: AsyncConnection) -> None:
    """Let one step of an erasure run at a time, whichever process it is of, or two could wait for each other's rows."""
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


async def _inside(db: Database) -> set[str]:
    async with db.reading() as connection:
        return set((await connection.execute(_INSIDE)).scalars())
