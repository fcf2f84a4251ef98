"""A copy of the archive as it is at one instant, made beside the daemon; nobody waits for it."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL

from storage.connection.driver_errors import translated
from storage.connection.urls import parse_url, sqlite_path
from storage.errors import BackupFailed

SQLITE_SUFFIX, POSTGRES_SUFFIX = ".db", ".dump"
_BUSY_SECONDS = 60.0
_FEW_LINES = 5  # of what a tool says before it gives up


def suffix_of_copy(url: str) -> str:
    """Return how the name of a copy of this archive ends."""
    return POSTGRES_SUFFIX if sqlite_path(parse_url(url)) is None else SQLITE_SUFFIX


async def copy_archive(url: str, target: Path) -> None:
    """Copy an archive into a file of its own, and check the copy.

    Of SQLite it is a database, of PostgreSQL what ``pg_restore`` reads.

    Args:
        url: the archive's URL.
        target: a file that is not there yet; on an error what there is of it is removed.

    Raises:
        BackupFailed: it cannot be written, or the copy is not whole.
        StorageError: the archive cannot be read.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    with _whole_or_none(target):
        if path is None:
            await _dump(parsed, target)
        else:
            await _vacuum(path, target)


async def _vacuum(path: Path, target: Path) -> None:
    with translated(), closing(_opened(path)) as archive:
        try:
            await asyncio.to_thread(archive.execute, "VACUUM INTO ?", (str(target),))
        except asyncio.CancelledError:
            archive.interrupt()
            raise
    with translated(), closing(_opened(target)) as copy:
        ((found, *_),) = await asyncio.to_thread(lambda: copy.execute("PRAGMA integrity_check(1)").fetchall())
    if found != "ok":
        raise BackupFailed(f"The copy {target.name} is damaged: {found}")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False
    )


async def _dump(url: URL, target: Path) -> None:
    address = url.set(drivername="postgresql", password=None).render_as_string()
    # The password goes by the environment: other users can see a command line.
    password = {"PGPASSWORD": url.password} if isinstance(url.password, str) else {}
    command = ["pg_dump", "--format=custom", "--no-password", f"--file={target}", f"--dbname={address}"]
    await _run(command, password)
    await _run(["pg_restore", "--list", str(target)], {})


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise BackupFailed(f"{command[0]} is missing; install it: sudo apt install postgresql-client") from None
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        words = "; ".join(said.decode(errors="replace").strip().splitlines()[-_FEW_LINES:])
        raise BackupFailed(f"{command[0]} failed: {words}")


@contextmanager
def _whole_or_none(target: Path) -> Iterator[None]:
    """See to it that the copy is on the disk before it counts as one; remove what there is of a failed one."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # nobody else's from the beginning
    try:
        yield
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
