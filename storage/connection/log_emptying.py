"""Removing replaced and deleted data from the files of a SQLite archive.

Replaced data stays in the write-ahead log until that is emptied, which no reader may be in the way of. Where a page was
split, SQLite may leave a copy of a moved row that only rebuilding the file overwrites.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from storage.connection.engines import BUSY_SECONDS

log = logging.getLogger(__name__)

# rebuilding takes two or three seconds; larger files are left to the operator (docs/installation.md)
_REBUILT_AT_MOST_BYTES = 256 * 2**20

# Readers come and go all the time, each for milliseconds; between the attempts others write.
_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


async def empty_log(writer: AsyncEngine, size_bytes: int) -> bool:
    """Rebuild a SQLite file unless it is large, and empty its write-ahead log.

    Args:
        writer: the engine of the one connection that writes; it is kept from nobody for longer than an attempt.
        size_bytes: the size of the file.

    Returns:
        False where others were in the way at every attempt, over one and a half seconds.
    """
    if size_bytes <= _REBUILT_AT_MOST_BYTES and not await _insist(writer, _rebuild):
        return False
    return await _insist(writer, _truncate)


async def _insist(writer: AsyncEngine, step: Callable[[Any], Awaitable[bool]]) -> bool:
    for pause in _PAUSES_SECONDS:
        if await _attempt(writer, step):
            return True
        await asyncio.sleep(pause)
    return await _attempt(writer, step)


async def _attempt(writer: AsyncEngine, step: Callable[[Any], Awaitable[bool]]) -> bool:
    """Take a step without waiting for other users of the file, whom that would hold up."""
    async with writer.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        try:
            await _all(raw, "PRAGMA busy_timeout = 0")
            return await step(raw)
        except sqlite3.OperationalError as error:
            if not _is_in_the_way(error):
                raise
            return False
        finally:
            await _all(raw, f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


async def _truncate(connection: Any) -> bool:
    ((is_busy, _, _),) = await _all(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    return not is_busy


async def _rebuild(connection: Any) -> bool:
    """Rebuild the file, but not while its log cannot be emptied: it would grow by the whole file at each attempt."""
    if not await _truncate(connection):
        return False
    try:
        await _all(connection, "VACUUM")
    except sqlite3.OperationalError as error:
        if _is_in_the_way(error):
            raise
        # No space for a second file or temporary ones. Without the rebuild, split pages may still hold pieces.
        log.warning("the file could not be rebuilt", extra={"error": error.sqlite_errorname})
    return True


def _is_in_the_way(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


async def _all(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    async with connection.execute(statement) as cursor:  # an open cursor would block the next statement
        return list(await cursor.fetchall())
