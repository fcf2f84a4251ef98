"""The connections to a server that are open, so that they can be cut where the server hangs.

A cancelled call asks such a server to cancel, waits for its answer, and then for the call's: ten seconds each, one
after the other for what follows on it. What has to end by a time cannot wait for all of them.
"""

import os
import socket
from contextlib import closing, suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import DatabaseUnreachable


class OpenSockets:
    """The sockets of some engines' connections to PostgreSQL."""

    def __init__(self, *engines: AsyncEngine) -> None:
        self._connections: WeakSet[Any] = WeakSet()  # the driver's
        self._is_cut = False
        for engine in engines:
            event.listen(engine.sync_engine, "do_connect", self._refuse, insert=True)
            event.listen(engine.sync_engine, "connect", self._note)

    def _refuse(self, *_: Any) -> None:
        """Let the pool open no connection in the place of one that was cut."""
        if self._is_cut:
            raise DatabaseUnreachable("The archive is closed.", is_transient=False)

    def _note(self, connection: Any, _entry: ConnectionPoolEntry) -> None:
        self._connections.add(connection.driver_connection)

    def cut(self) -> None:
        """Shut them all down, for good: what waits for an answer fails at once, as where the server has ended."""
        self._is_cut = True
        for connection in list(self._connections):
            if not connection.closed:
                # A descriptor of its own: the driver goes on using the other, and closes it.
                with suppress(OSError), closing(socket.socket(fileno=os.dup(connection.fileno()))) as same:
                    same.shutdown(socket.SHUT_RDWR)
