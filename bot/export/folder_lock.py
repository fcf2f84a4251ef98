"""One export writes to a folder at a time: two would write into the same files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK = "._export.lock.part"  # ends as what may be left behind does: the next export goes on


class FolderRefused(Exception):
    """The folder cannot take this export; the message says why, and what to do."""


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Make a folder where there is none, and keep other exports out of it until the block ends.

    The kernel lets the lock go when the process dies, however it dies.

    Raises:
        FolderRefused: another export is writing to it, or a file is in its place.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError) as e:
        raise FolderRefused(f"{path} is a file, or below one: give a folder") from e
    place = path / _LOCK
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, place)
        try:
            yield
        finally:
            place.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, place: Path) -> None:
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), place.stat()):  # else it was of an export that has just ended
            return
    raise FolderRefused(f"another export is writing to {place.parent}: wait until it has ended, or give a new folder")
