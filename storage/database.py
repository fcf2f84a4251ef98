"""Opening the archive: the lock, the migrations, the hash choice, the connections."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import (
    FileLock,
    OpenSockets,
    Pools,
    WriteHealth,
    check_server,
    empty_log,
    file_id,
    finish_before_cancel,
    lend_limited,
    lend_snapshot,
    migrate_file,
    migrate_server,
    open_pools,
    parse_url,
    postgres,
    require_archive,
    sqlite_path,
    translated,
)
from storage.errors import DatabaseUnreachable, StorageError
from storage.settings import record_hash_choice

log = logging.getLogger(__name__)

_MIGRATION_PATIENCE = timedelta(seconds=30)
# closing waits so long for calls in progress; only calls that wait for a lock or a server take longer
_RETURN_SECONDS = 5.0
_PING = text("SELECT count(*) FROM archive_settings")


class Database:
    """An open archive. ``reading`` and ``writing`` are for ``storage`` alone; others call its functions."""

    def __init__(
        self,
        *,
        pools: Pools,
        path: Path | None,
        closing: AsyncExitStack,
        sockets: OpenSockets | None = None,
    ) -> None:
        self.dialect: str = pools.writer.dialect.name
        """``sqlite`` or ``postgresql``."""
        self._reader, self._writer, self._asker, self._path = pools.reader, pools.writer, pools.asker, path
        self._file_id = file_id(path)
        self._closing = closing
        self._sockets = sockets
        self._is_closed = False
        self._lent = 0
        self._is_returned = asyncio.Event()
        self.writes = WriteHealth()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection for SELECTs; on SQLite one that cannot write."""
        with self._lending(), translated():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def asking(self, seconds: float = 3.0) -> AsyncIterator[AsyncConnection]:
        """Lend a connection to answer a person by: it cannot write, and ``QueryTooLong`` ends a query that is slow."""
        with self._lending(), translated():
            async with lend_limited(self._asker, timedelta(seconds=seconds)) as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection on which all that is read is of one instant; it cannot write."""
        with self._lending(), translated():
            async with lend_snapshot(self._reader) as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Run one transaction: committed at the end, rolled back on any error."""
        with self._lending(), self.writes.watching(), translated():
            async with self._writer.begin() as connection:
                yield connection

    @finish_before_cancel
    async def ping(self) -> None:
        """Check that the archive can be read and written at this moment.

        Raises:
            StorageError: it cannot; the message says why.
        """
        if file_id(self._path) != self._file_id:
            raise DatabaseUnreachable(f"The file {self._path} was removed or replaced. Restart the daemon.")
        async with self.writing() as connection:
            await connection.execute(_PING)
            if self.dialect == "postgresql":
                await check_server(connection)

    @finish_before_cancel
    async def empty_log(self) -> bool:
        """Remove replaced and deleted data from the files of a SQLite archive.

        Returns:
            False while readers keep its write-ahead log from being emptied: call again. On PostgreSQL always True.
        """
        if self._path is None:
            return True
        with self._lending(), translated():
            return await empty_log(self._writer, self._path.stat().st_size)

    def cut_off(self) -> None:
        """Fail every call that is waiting for the server, and refuse new ones; with SQLite only the latter."""
        self._is_closed = True
        if self._sockets is not None:
            self._sockets.cut()

    async def close(self) -> None:
        """Lend no more connections, wait for those in use, close all and release the file. May be called twice.

        API calls, scheduled tasks and health checks can continue for a moment after everything else has ended. A
        connection returned to a disposed pool would never be closed.
        """
        self._is_closed = True
        try:
            if self._lent:
                self._is_returned.clear()
                async with asyncio.timeout(_RETURN_SECONDS):
                    await self._is_returned.wait()
        except TimeoutError:
            log.warning("the archive is closed although it is in use", extra={"connections": self._lent})
        finally:
            await self._closing.aclose()

    @contextmanager
    def _lending(self) -> Iterator[None]:
        if self._is_closed:
            raise StorageError("The archive is closed.")
        self._lent += 1
        try:
            yield
        finally:
            self._lent -= 1
            if not self._lent:
                self._is_returned.set()


def _now() -> datetime:
    return datetime.now(UTC)


async def open_database(url: str, *, hash_choice: str, clock: Callable[[], datetime] = _now) -> Database:
    """Open the archive, creating and migrating it where needed.

    Args:
        url: ``sqlite+aiosqlite:///<path>`` or ``postgresql+psycopg://<user>@<host>/<name>``.
        hash_choice: how user ids are hashed (``sha256`` or ``hmac-sha256:<fingerprint of the key>``); recorded at
            the first start, and required ever after.
        clock: the current time on SQLite; PostgreSQL uses its server's clock.

    Raises:
        BadDatabaseUrl, DatabaseUnreachable, DatabaseReadOnly, DatabaseFull, DatabaseDamaged, DatabaseUnsuitable:
            the database cannot be used.
        DatabaseInUse: another process has this SQLite file open.
        SessionsShared: a pooler before PostgreSQL lends sessions for a transaction each.
        DatabaseTooNew: a newer version of this program wrote it.
        DatabaseTooOld: a version before the first release wrote it.
        UnfinishedMove: an archive is being moved to it.
        HashChoiceMismatch: it was begun with another choice.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    async with AsyncExitStack() as stack:
        if path is not None:
            stack.enter_context(await FileLock(path).acquire())
        pools = open_pools(parsed, clock, stack)
        sockets = OpenSockets(pools.writer, pools.asker) if path is None else None
        if path is None:
            await migrate_server(pools.writer)
        else:
            await migrate_file(parsed, path, clock)
        with translated():
            async with pools.writer.begin() as connection:
                await record_hash_choice(connection, hash_choice)
        return Database(pools=pools, path=path, closing=stack.pop_all(), sockets=sockets)


async def open_for_reading(url: str, *, hash_choice: str, only_asking: bool = False) -> Database:
    """Open the archive to read it, also while a daemon works on it; what would write fails.

    With ``only_asking`` every query has a time limit, as on the connections to answer people by.

    Raises:
        StorageError: as for ``open_database``; also where there is no archive of this version yet.
    """
    await require_archive(url, hash_choice=hash_choice)
    parsed = parse_url(url)
    async with AsyncExitStack() as stack:
        pools = open_pools(parsed, _now, stack).only_reading(only_asking=only_asking)
        return Database(pools=pools, path=sqlite_path(parsed), closing=stack.pop_all())


async def migrate(url: str) -> str:
    """Bring the database to this program's schema.

    Two processes may do it at once: on SQLite the second waits up to 30 s, on PostgreSQL for as long as it takes.

    Returns:
        The revision it is at now.

    Raises:
        StorageError: as for ``open_database``.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is None:
        engine = postgres(parsed)
        try:
            return await migrate_server(engine)
        finally:
            await engine.dispose()
    with await FileLock(path).acquire(_MIGRATION_PATIENCE):
        return await migrate_file(parsed, path, _now)
