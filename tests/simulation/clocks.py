"""The machine's clocks: Python's ``datetime.now`` and SQLite's 'now' read the simulated one, which can be moved."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any

_ROOMS = ("bot.", "storage.", "adapters.", "tests.", "apscheduler.")
_SQL_CLOCKS = ("strftime", "datetime", "date", "time", "julianday", "unixepoch")


class WallClock:
    """What time the simulated machine believes it is: true time and an error."""

    def __init__(self, began: float) -> None:
        self._began = began
        self.error_seconds = 0.0

    def true_time(self) -> float:
        """Return the Unix time outside the machine."""
        return self._began + time.monotonic()

    def __call__(self) -> float:
        """Return the machine's Unix time."""
        return self.true_time() + self.error_seconds


_now: list[WallClock] = []


def wall_clock() -> WallClock:
    """Return the running universe's."""
    return _now[-1]


class _LikeDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, datetime)


class _Datetime(datetime, metaclass=_LikeDatetime):
    """Makes plain datetimes, and takes the time from the simulated clock."""

    def __new__(cls, *args: Any, **options: Any) -> Any:
        return datetime(*args, **options)  # noqa: DTZ001 (as it was called)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Return the simulated time."""
        return datetime.fromtimestamp(wall_clock()(), tz)


@contextmanager
def moved_clocks(began: float) -> Iterator[WallClock]:
    """Let everything in the process read a clock that began at this Unix time and goes with ``time.monotonic``."""
    clock = WallClock(began)
    _now.append(clock)
    modules = [module for name, module in sys.modules.items() if name.startswith(_ROOMS) and name != __name__]
    patched = [module for module in modules if module.__dict__.get("datetime") is datetime]
    try:
        for module in patched:
            module.__dict__["datetime"] = _Datetime
        yield clock
    finally:
        for module in patched:
            module.__dict__["datetime"] = datetime
        _now.pop()


_calendar = sqlite3.connect(":memory:", check_same_thread=False)


def give_clock(connection: sqlite3.Connection) -> None:
    """Let a connection's SQL read the simulated clock where it asks for 'now'."""

    def read(function: str, *args: Any) -> Any:
        moment = datetime.fromtimestamp(wall_clock()(), UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        values = tuple(moment if value == "now" else value for value in args)
        places = ", ".join("?" * len(values))
        return _calendar.execute(f"SELECT {function}({places})", values).fetchone()[0]

    for name in _SQL_CLOCKS:
        connection.create_function(name, -1, lambda *args, name=name: read(name, *args))
