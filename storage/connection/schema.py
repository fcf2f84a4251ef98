"""Bringing a database to this program's schema, before it is used."""

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.connection.driver_errors import translated
from storage.connection.engines import Clock, sqlite_migrator
from storage.connection.files import look_at_file
from storage.connection.server import check_server, check_sessions, refuse_unfinished


async def migrate_file(url: URL, path: Path, clock: Clock) -> str:
    """Migrate a SQLite archive, for which the caller holds its lock, and return the revision it is at now.

    Raises:
        StorageError: it cannot be used.
    """
    look_at_file(path)
    engine = sqlite_migrator(url, clock)
    try:
        with translated():
            async with engine.begin() as connection:
                return await _upgrade(connection)
    finally:
        await engine.dispose()


async def migrate_server(engine: AsyncEngine) -> str:
    """Migrate an archive on PostgreSQL over connections of its pool, and return the revision it is at now.

    Raises:
        StorageError: it cannot be used.
    """
    await check_sessions(engine)
    with translated():
        async with engine.begin() as connection:
            await check_server(connection)
            await connection.run_sync(refuse_unfinished)
            return await _upgrade(connection)


async def _upgrade(connection: AsyncConnection) -> str:
    from storage.migrations import upgrade  # half a second, and every verb of the command line imports this module

    return await connection.run_sync(upgrade)
