"""One process at a time on one SQLite archive."""

import asyncio
import fcntl
import os
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.connection.driver_errors import from_os_error
from storage.connection.files import keep_private, make_private_file, make_private_folder
from storage.errors import DatabaseInUse

_POLL_SECONDS = 0.05
_GLANCE = timedelta(seconds=0.15)  # a process that only checks the lock holds it for an instant


class FileLock:
    """An flock on a file beside the database; the kernel lets it go when the process dies, however it dies.

    The file stays: removing it would let two processes hold "the" lock on two files of one name.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    async def acquire(self, patience: timedelta = _GLANCE) -> Self:
        """Take the lock, creating the database's folder; restrict the folder and its files to this user.

        Raises:
            DatabaseInUse: another process still has it after ``patience``.
            DatabaseReadOnly, DatabaseFull, DatabaseUnreachable: the lock's file cannot be made.
        """
        path = _path_of(self._database)
        try:
            make_private_folder(path.parent)
            make_private_file(path)
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError as error:
            raise from_os_error(error, f"Cannot create {path}") from error
        try:
            keep_private(self._database)
        except OSError as error:
            os.close(descriptor)
            what = f"Cannot take from other users the rights that they have on {error.filename or path}"
            raise from_os_error(error, what) from error
        tries = max(1, int(patience.total_seconds() / _POLL_SECONDS))
        self._descriptor = descriptor
        try:
            await self._wait(path, tries)
        except BaseException:
            self.release()
            raise
        return self

    async def _wait(self, path: Path, tries: int) -> None:
        while True:
            try:
                fcntl.flock(self._descriptor or -1, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tries -= 1
            except OSError as error:  # some network file systems have no locks, nor can they hold SQLite's WAL
                raise from_os_error(error, f"Cannot lock {path}") from error
            else:
                return
            if tries <= 0:
                raise DatabaseInUse(f"{DatabaseInUse().args[0]} ({self._database})")
            await asyncio.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Release the lock; nothing happens if it was not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(database: Path) -> bool:
    """Find out whether a process holds the lock of a database at this moment. Makes no file.

    Raises:
        DatabaseReadOnly, DatabaseUnreachable: the lock's file cannot be read.
    """
    path = _path_of(database)
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # beside others who look, and gone in an instant
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise from_os_error(error, f"Cannot read {path}") from error
    return False


def _path_of(database: Path) -> Path:
    return database.with_name(database.name + ".lock")
