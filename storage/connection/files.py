"""Restrict an archive's files to their owner, whatever the umask: otherwise others could read them or hold the lock."""

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from storage.connection.driver_errors import translated

log = logging.getLogger(__name__)

_FOLDER, _FILE = 0o700, 0o600
_SUFFIXES = ("", ".lock", "-wal", "-shm", "-journal")


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents.

    Raises:
        OSError: it cannot be created, or is not a folder.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(_FOLDER, exist_ok=True)
        _tighten(folder, _FOLDER, is_new=True)


def make_private_file(path: Path) -> None:
    """Create an empty file if it is missing. An existing one is not opened: closing it would drop SQLite's locks.

    Raises:
        OSError: it cannot be created.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE))
    except FileExistsError:
        return
    _tighten(path, _FILE, is_new=True)


def keep_private(database: Path) -> None:
    """Remove other users' rights on an archive's files, and on its folder where it holds nothing else.

    Raises:
        OSError: the files exist and belong to another user.
    """
    for suffix in _SUFFIXES:
        path = database.with_name(database.name + suffix)
        if path.is_file() and not path.is_symlink():
            _tighten(path, _FILE)
    folder = database.parent
    is_ours = folder.stat().st_uid == os.geteuid()  # in another user's folder the files are restricted all the same
    if is_ours and all(entry.name.startswith(database.name) for entry in folder.iterdir()):
        _tighten(folder, _FOLDER)


def _tighten(path: Path, mode: int, *, is_new: bool = False) -> None:
    found = path.stat()
    if found.st_mode & 0o777 & ~mode or (is_new and found.st_mode & 0o777 != mode):
        path.chmod(mode)
        if not is_new:
            log.warning("other users of this machine had rights on it, and no longer do", extra={"path": str(path)})


def file_id(path: Path | None) -> tuple[int, int] | None:
    """Identify the file that a name stands for; None where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def look_at_file(path: Path) -> None:
    """Open the file once synchronously: where it cannot be opened, the asynchronous driver's thread outlives the loop.

    SQLite gives its other files the permissions of this one.
    """
    with suppress(OSError):  # SQLite reports it with a better message
        make_private_file(path)
    with translated(), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA schema_version")
