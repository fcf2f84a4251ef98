"""The demo's own files: its archive, and the journal of its world. No other archive is ever touched."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.connection import FileLock, inspect_database
from storage.errors import DatabaseInUse

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


class DemoRefused(Exception):
    """The demo cannot run here; the message says why. Nothing was changed."""


class Journal:
    """The times of all changes of a world, by which a later start reproduces the same world.

    The first line is the time at which the world begins. A time is on disk before its change takes effect, so that the
    world holds everything that the archive may have received.
    """

    def __init__(self, path: Path, born: datetime, moments: list[datetime]) -> None:
        self.born = born
        self.moments = moments
        self._path = path

    @classmethod
    def begin(cls, path: Path, born: datetime) -> "Journal":
        """Create a world's journal, replacing any other."""
        journal = cls(path, _to_millisecond(born), [])
        path.unlink(missing_ok=True)
        journal.record(journal.born)
        return journal

    @classmethod
    def read(cls, path: Path) -> "Journal | None":
        """Read a journal; None where none can be read. A truncated last line is ignored."""
        try:
            born, *moments = [_moment(line) for line in path.read_text("ascii").split("\n")[:-1]]
        except (OSError, ValueError, OverflowError):
            return None
        return cls(path, born, moments)

    def record(self, moment: datetime) -> datetime:
        """Append a time; return it as ``read`` will."""
        moment = _to_millisecond(moment)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{(moment - _EPOCH) // _MILLISECOND}\n".encode())
        finally:
            os.close(descriptor)
        return moment


def _moment(line: str) -> datetime:
    return _EPOCH + int(line) * _MILLISECOND


def _to_millisecond(moment: datetime) -> datetime:
    return _EPOCH + (moment - _EPOCH) // _MILLISECOND * _MILLISECOND


class DemoFiles:
    """The demo's files in a folder: ``demo.db`` and the files beside it."""

    def __init__(self, folder: Path = Path("data")) -> None:
        self.archive = folder / "demo.db"
        self._journal = folder / "demo.journal"
        self._owner = folder / "demo"  # its lock is demo.lock
        self._running = folder / "demo.running"  # a description of the process that holds the lock

    @property
    def url(self) -> str:
        """The archive's URL."""
        return f"sqlite+aiosqlite:///{self.archive}"

    @property
    def setting(self) -> str:
        """The shell assignment that makes a command work on the demo's archive in place of the configured one."""
        return f"PLATFORM_SYNC_DATABASE__URL=sqlite:///{self.archive}"

    @property
    def hint(self) -> str:
        """How a command that found no archive would find the demo's; empty where there is none either."""
        return f" The demo's archive is another one: {self.setting} ./run ..." if self.archive.exists() else ""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the folder's lock, so that no other demo runs in it.

        Raises:
            DemoRefused: another demo runs in the folder.
            StorageError: the folder cannot be written.
        """
        for path in (self.archive, self._journal, self._running, self._owner.with_name("demo.lock")):
            if path.is_symlink():
                raise DemoRefused(f"{path} is a symbolic link, so it is not the demo's: it stays untouched")
        lock = FileLock(self._owner)
        try:
            await lock.acquire()
        except DatabaseInUse as e:
            who = f" ({text})" if (text := _words(self._running)) else ""
            raise DemoRefused(
                f"a demo is running in this folder already{who}: look at it there, or end it first"
            ) from e
        with lock:
            try:
                yield
            finally:
                self._running.unlink(missing_ok=True)

    def announce(self, url: str) -> None:
        """Record this process and its URL for later starts."""
        self._running.unlink(missing_ok=True)
        self._running.write_text(f"process {os.getpid()}, {url}")

    async def world(self, tenant_platform_id: str, *, born: datetime, fresh: bool) -> Journal:
        """Return the journal of the world in the archive; a new one where there is none, or on request.

        Args:
            tenant_platform_id: the id of the demo's community: an archive that holds another one is not the demo's.
            born: when a new world begins.
            fresh: whether to begin anew in any case.

        Raises:
            DemoRefused: the archive belongs to something else.
            StorageError: it cannot be read.
        """
        journal = Journal.read(self._journal)
        if self.archive.exists():
            state = await inspect_database(self.url)
            if state.is_in_use:
                raise DemoRefused(f"another process works on {self.archive}: it stays untouched")
            own = ("discord", tenant_platform_id)
            known = {(tenant.platform, tenant.platform_id): tenant for tenant in state.tenants}
            # Tenants that were added to the demo by hand and deleted again stay as stopped ones.
            # One without a name was added by hand, and holds nothing: the bot was never in it.
            empty = {key for key, tenant in known.items() if own in known and tenant.name is None}
            others = [key for key, tenant in known.items() if key != own and not tenant.is_stopped and key not in empty]
            is_own = not others and (own in known or journal is not None)
            if not is_own:
                which = f" ({', '.join('-'.join(key) for key in others)} is in it)" if others else ""
                raise DemoRefused(
                    f"{self.archive} is not an archive of the demo's{which}, so it stays untouched: "
                    "move it to another name, or start the demo in another folder"
                )
            if journal is None or state.is_too_old:
                fresh = True  # without its journal the archived world cannot be reproduced
        else:
            self._remove_archive()  # an orphaned write-ahead log would be applied to the new database
        if journal is None or fresh:
            self._remove_archive()
            journal = Journal.begin(self._journal, born)
        return journal

    def _remove_archive(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.archive.with_name(self.archive.name + suffix).unlink(missing_ok=True)


def _words(path: Path) -> str:
    try:
        return path.read_text("ascii")[:200]
    except (OSError, ValueError):
        return ""
