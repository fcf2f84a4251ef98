"""Real SQLite without its thread: each call is made inline, at an instant that the seed draws.

A lock that another connection holds is waited for in virtual time, as long as SQLite would wait in real time.
"""

import asyncio
import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from aiosqlite import core

from tests.simulation.clocks import give_clock
from tests.simulation.universe import draw, this_host

_SLOWEST_US = 400
_RETRY_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0  # as the engines are set up
_PATIENCE = re.compile(r"PRAGMA busy_timeout = (\d+)")

Call = tuple["asyncio.Future[Any] | None", Callable[[], Any]]


class Disk:
    """What the connections of one universe do: counted, stalled, broken off."""

    def __init__(self) -> None:
        self.connections: list[tuple[Any, sqlite3.Connection]] = []
        self.commits = 0
        self.stalled_until = 0.0
        self.on_commit: Callable[[int], None] = lambda _: None

    def opened(self, connection: sqlite3.Connection) -> None:
        """Take in a new connection of the running machine."""
        connection.execute("PRAGMA busy_timeout = 0")
        give_clock(connection)
        self.connections.append((this_host(), connection))

    def cut(self, host: Any) -> None:
        """Let go of all that a machine had open, as the kernel does when its process is killed."""
        for owner, connection in self.connections:
            if owner is host:
                connection.close()
        self.connections = [(owner, one) for owner, one in self.connections if owner is not host]

    def open_of(self, host: Any) -> int:
        """Return how many connections of a machine are open."""
        return sum(owner is host and _is_open(connection) for owner, connection in self.connections)


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018 (raises where it is closed)
    except sqlite3.ProgrammingError:
        return False
    return True


class _Inline:
    """Stands for the queue to aiosqlite's thread, and for the thread."""

    disk: Disk

    def __init__(self) -> None:
        self._calls: deque[Call] = deque()
        self._waiting = 0.0
        self._patience = _PATIENCE_SECONDS
        self._connection: sqlite3.Connection | None = None

    def put_nowait(self, call: Call) -> None:
        """Queue a call; it is made a moment later."""
        self._calls.append(call)
        if len(self._calls) == 1:
            self._later()

    def _later(self, seconds: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        seconds += (1 + draw("disk", _SLOWEST_US)) / 1e6
        loop.call_at(max(loop.time(), self.disk.stalled_until) + seconds, self._make)

    def _make(self) -> None:
        future, call = self._calls[0]
        if future is not None and future.get_loop().is_closed():
            return None
        if found := _PATIENCE.match(_statement(call)):  # SQLite itself would wait in real time
            self._patience = int(found[1]) / 1000
            return self._settle(future, core.set_result, call.func("PRAGMA busy_timeout = 0"))  # type: ignore[attr-defined]
        was_in_transaction = self._connection is not None and _in_transaction(self._connection)
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 (as the thread does)
            if _is_busy(error) and self._waiting < self._patience:
                self._waiting += _RETRY_SECONDS
                return self._later(_RETRY_SECONDS)
            self._settle(future, core.set_exception, error)
        else:
            if isinstance(result, sqlite3.Connection):
                self._connection = result
                self.disk.opened(result)
            self._settle(future, core.set_result, result)
            if was_in_transaction and _is_commit(call):
                self.disk.commits += 1
                self.disk.on_commit(self.disk.commits)
        return None

    def _settle(self, future: "asyncio.Future[Any] | None", settle: Callable[..., None], value: Any) -> None:
        self._calls.popleft()
        self._waiting = 0.0
        if future is not None:
            settle(future, value)
        if self._calls:
            self._later()


class _NoThread:
    """Stands for the thread that is not there."""

    daemon = True

    def __init__(self, **_: Any) -> None: ...

    def start(self) -> None:
        """Start nothing."""


def _in_transaction(connection: sqlite3.Connection) -> bool:
    return _is_open(connection) and connection.in_transaction


def _statement(call: Any) -> str:
    return str(next(iter(getattr(call, "args", ())), ""))


def _is_commit(call: Any) -> bool:
    return getattr(getattr(call, "func", None), "__name__", "") == "commit"


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


@contextmanager
def inline_sqlite() -> Iterator[Disk]:
    """Let aiosqlite make its calls inline until the block ends."""
    with ExitStack() as patches:
        _Inline.disk = Disk()
        patches.enter_context(patch.object(core, "SimpleQueue", _Inline))
        patches.enter_context(patch.object(core, "Thread", _NoThread))
        yield _Inline.disk
