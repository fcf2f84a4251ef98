"""A real PostgreSQL server for tests: a direct child process, so that it can be killed."""

import asyncio
import ctypes
import itertools
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from storage.database import migrate
from tests.support.postgres_files import find_binaries, identity_of, memory, new_folder, readable

_TEMPLATE = "migrated"
_START_SECONDS = 120.0

# Fsync off is safe for a killed process and only dangerous for a power cut; synchronous_commit off is not:
# it loses what a test was promised to be committed.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "wal_level": "minimal",  # a database that is copied as files is not written to the log as well
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    "timezone": "Asia/Kolkata",  # not UTC, so that a forgotten conversion shows
}


class Postgres:
    """A server of one test session. Its databases are copies of one that is migrated once."""

    def __init__(self, folder: Path, data: Path, binaries: Path, identity: dict[str, Any]) -> None:
        self._folder, self._data, self._binaries, self._identity = folder, data, binaries, identity
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection[Any] | None = None
        self._numbers = itertools.count(1)
        self._lent: list[str] = []

    @contextmanager
    def lent(self) -> Iterator["Postgres"]:
        """Lend it to one test: at the end it runs, and the databases made in between are gone."""
        try:
            yield self
        finally:
            self.restart()
            while self._lent:
                self._administer(SQL("DROP DATABASE {} WITH (FORCE)"), self._lent.pop())

    def create_database(self, *, migrated: bool = True, encoding: str = "UTF8") -> str:
        """Create a database, at the newest schema or empty. Returns its URL."""
        name = f"archive_{next(self._numbers)}"
        template = _TEMPLATE if migrated else "template0"
        locale = "C.UTF-8" if encoding == "UTF8" else "C"
        # As files: half the time of the default, which writes every page to the log.
        statement = SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE {} STRATEGY FILE_COPY")
        self._administer(statement, name, template, encoding, locale)
        self._lent.append(name)
        return self._url(name)

    def execute(self, url: str, statement: LiteralString) -> None:
        """Run a statement in one of its databases, as the superuser."""
        with self._connect(url.partition("@/")[2].partition("?")[0]) as connection:
            connection.execute(SQL(statement))

    def kill(self) -> None:
        """SIGKILL: what a crash or a power cut of the server's machine looks like to us."""
        self._disconnect()
        if self._process is not None:
            for pid in self._pids():  # its children would go on answering for a moment
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _pids(self) -> list[int]:
        """Return the server's processes, the main one first."""
        assert self._process is not None
        main = self._process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP for its processes: connections stay open, new ones are taken up by the kernel, nothing answers."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def restart(self) -> None:
        """Start it again after ``kill``; does nothing where it runs."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def stop(self) -> None:
        """End it, at once."""
        self._disconnect()
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def prepare(self) -> None:
        """Make the data folder, start, and make the template."""
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        command: list[str | Path] = [self._binaries / "initdb", "-D", self._data, *options]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, **self._identity)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr or made.stdout}")
        self._start()
        self._administer(SQL("CREATE DATABASE {}"), _TEMPLATE)
        asyncio.run(migrate(self._url(_TEMPLATE)))

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self._folder), safe='')}"

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(f"host={self._folder} user=postgres dbname={database}", autocommit=True)

    def _administer(self, statement: SQL, *names: str) -> None:
        """Run a statement about databases, over a connection that is kept."""
        if self._admin is None:
            self._admin = self._connect("postgres")
        composed: Composed = statement.format(*(Identifier(name) for name in names))
        self._admin.execute(composed)

    def _disconnect(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _start(self) -> None:
        """Start, and once more while the dead server's children still hold its shared memory."""
        self._disconnect()
        give_up_at = time.monotonic() + _START_SECONDS
        while not self._try_start(give_up_at):
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _try_start(self, give_up_at: float) -> bool:
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._binaries / "postgres", "-D", self._data, "-k", self._folder, *options]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_die_with_parent,  # a killed test run must not leave servers behind
                start_new_session=True,  # nor does the terminal's Ctrl-C end it before the tests are through with it
                **self._identity,
            )
        self._process = process
        while process.poll() is None and time.monotonic() < give_up_at:
            if _is_ready(self._data / "postmaster.pid", process.pid):
                return True
            time.sleep(0.01)
        return False


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server, and remove it with everything at the end.

    Raises:
        RuntimeError: there are no binaries, or they do not work. Missing is a failure: half of the contract would
            go untested.
    """
    with ExitStack() as stack:
        folder, data = (new_folder(stack, parent) for parent in (Path(tempfile.gettempdir()), memory()))
        identity = identity_of(folder, data)
        server = Postgres(folder, data, readable(find_binaries(), folder, identity), identity)
        stack.callback(server.stop)
        server.prepare()
        yield server


def _is_ready(pid_file: Path, pid: int) -> bool:
    """Whether the server serves. Line 1 is its pid, line 8 its state; the file of a dead server stays behind."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _parent_death_signal() -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl

    def die_with_parent() -> None:
        prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG

    return die_with_parent


_die_with_parent = _parent_death_signal()
