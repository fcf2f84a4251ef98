"""Tells the service manager how the daemon is: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html

Where nobody listens (no NOTIFY_SOCKET) nothing happens.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Mapping, Sized
from contextlib import suppress
from typing import Any

from adapters.base import PlatformAdapter
from storage import tenants
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

_STATUS_SECONDS = 10.0
_LOOK_SECONDS = 10.0  # how long the database may take to answer


class Notifier:
    """A service manager's ear."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = _watchdog_seconds(environment)

    def ready(self) -> None:
        """The API serves and the database is open."""
        self._tell("READY=1", "STATUS=serving")

    def stopping(self) -> None:
        """Asked to stop; running syncs go to a safe point."""
        self._tell("STOPPING=1", "STATUS=stopping: running syncs go to a safe point")

    def opening(self) -> None:
        """The database is being opened, and migrated where it is older than the program."""
        self._tell("STATUS=opening the database")

    async def watch(self, look: Callable[[], Coroutine[Any, Any, str]]) -> None:
        """Tell what ``look`` says, again and again, until cancelled.

        It raises StorageError where the database does not answer. The watchdog's sign of life is then withheld, as
        it is where the event loop hangs: the service manager ends a daemon that has given none for too long.
        """
        if not self._address:
            return
        pause = min(_STATUS_SECONDS, self._watchdog_seconds / 2) if self._watchdog_seconds else _STATUS_SECONDS
        looking: asyncio.Task[str] | None = None
        was_well = True
        try:
            while True:
                # One look at a time: on SQLite a call that hangs cannot be broken off.
                looking = looking or asyncio.create_task(look(), name="look for the service manager")
                await asyncio.wait({looking}, timeout=min(_LOOK_SECONDS, pause))
                status, is_well = _outcome(looking)
                self._tell(f"STATUS={status}", *(["WATCHDOG=1"] if is_well and self._watchdog_seconds else []))
                if not is_well and was_well:
                    log.error("no sign of life for the service manager's watchdog", extra={"reason": status})
                was_well = is_well
                looking = None if looking.done() else looking
                await asyncio.sleep(pause)
        finally:
            if looking is not None:
                looking.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody asks any more
                looking.cancel()

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # A service manager that does not listen is no reason to stop archiving.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ear:
            ear.setblocking(False)
            ear.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)


async def status_line(db: Database, adapters: Mapping[str, PlatformAdapter], running: Sized) -> str:
    """How the daemon is, in one line, for whom its database has just answered."""
    await db.ping()
    count = len(await tenants.freshness(db))
    gateways = "; ".join(f"{name}: {adapter.unready_reason or 'connected'}" for name, adapter in adapters.items())
    return f"{gateways}; tenants: {count}, running syncs: {len(running)}"


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """How often a sign of life is due; None where nobody waits for one, or waits for another process's."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isascii() and microseconds.isdigit() and int(microseconds) else None


def _outcome(looking: "asyncio.Task[str]") -> tuple[str, bool]:
    if not looking.done():
        return "the database does not answer", False
    try:
        return looking.result(), True
    except StorageError as e:
        return f"the database cannot be used: {e}", False
