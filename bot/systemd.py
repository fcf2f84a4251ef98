"""Reports to the service manager how the daemon is: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html

Where there is none (no NOTIFY_SOCKET) nothing happens.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Mapping, Sized
from contextlib import suppress
from typing import Any

from adapters.base import PlatformAdapter
from bot.concurrency import only_wanted_cancellation
from storage import tenants
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

_STATUS_SECONDS = 10.0
_DATABASE_SECONDS = 10.0  # how long the database may take to answer


class Notifier:
    """Sends the daemon's state, and its watchdog's signs of life, to the service manager."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = _watchdog_seconds(environment)

    def opening(self) -> None:
        """Report that the database is being opened, and migrated where it is older than the program."""
        self._send("STATUS=opening the database")

    def ready(self) -> None:
        """Report that the API serves and the database is open."""
        self._send("READY=1", "STATUS=serving")

    def stopping(self) -> None:
        """Report that the process is to stop, and that running syncs go to a safe point."""
        self._send("STOPPING=1", "STATUS=stopping: running syncs go to a safe point")

    async def watch(self, status: Callable[[], Coroutine[Any, Any, str]]) -> None:
        """Report the status again and again, until cancelled.

        ``status`` raises StorageError where the database does not answer. The watchdog's sign of life is then withheld,
        as it is where the event loop hangs: the service manager ends a daemon that has given none for too long.
        """
        if not self._address:
            return
        pause = min(_STATUS_SECONDS, self._watchdog_seconds / 2) if self._watchdog_seconds else _STATUS_SECONDS
        pending: asyncio.Task[str] | None = None
        was_well = True
        try:
            while True:
                # One at a time: on SQLite a call that hangs cannot be broken off.
                pending = pending or asyncio.create_task(status(), name="status for the service manager")
                await asyncio.wait({pending}, timeout=min(_DATABASE_SECONDS, pause))
                text, is_well = _outcome(pending)
                self._send(f"STATUS={text}", *(["WATCHDOG=1"] if is_well and self._watchdog_seconds else []))
                if not is_well and was_well:
                    log.error("no sign of life for the service manager's watchdog", extra={"reason": text})
                was_well = is_well
                pending = None if pending.done() else pending
                await asyncio.sleep(pause)
        finally:
            if pending is not None:
                pending.add_done_callback(lambda task: task.cancelled() or task.exception())  # its end is of no use now
                pending.cancel()

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A service manager that does not listen is no reason to stop archiving.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            connection.setblocking(False)
            connection.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)


async def status_line(db: Database, adapters: Mapping[str, PlatformAdapter], running: Sized) -> str:
    """Describe the daemon in one line, once its database has answered.

    Raises:
        StorageError: the database does not answer.
    """
    await db.ping()
    count = await tenants.count_tenants(db)
    gateways = "; ".join(f"{name}: {adapter.unready_reason or 'connected'}" for name, adapter in adapters.items())
    return f"{gateways}; tenants: {count}, running syncs: {len(running)}"


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return how often a sign of life is due; None where none is awaited, or one of another process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isascii() and microseconds.isdigit() and int(microseconds) else None


def _outcome(pending: "asyncio.Task[str]") -> tuple[str, bool]:
    if not pending.done():
        return "the database does not answer", False
    try:
        with only_wanted_cancellation():  # otherwise the watchdog messages would end with a cancelled status
            return pending.result(), True
    except StorageError as e:
        return f"the database cannot be used: {e}", False
    except Exception as e:
        log.exception("the status could not be sent, by a fault of the program")
        return f"a fault of the program ({type(e).__name__})", False
