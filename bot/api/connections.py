"""Limit the API's connections in number and time, so that new clients are served and descriptors never run out.

aiohttp's own accept loop is not used: without a free descriptor it logs and schedules a retry for each waiting
connection, and doubles that every time.
"""

import asyncio
import logging
import resource
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from aiohttp import web

from bot.concurrency import only_wanted_cancellation

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75.0
"""How long a connection may wait for its next request, and take for its headers: longer than the usual proxy's 60 s."""

_FIRST_REQUEST_SECONDS = 10.0
_LONGEST_ANSWER_SECONDS = 60.0  # after which a request in progress may be cut to make room
_MOST_CONNECTIONS = 128
# the API may use one descriptor in so many; the database, the platforms and the rest have the others
_SHARE_OF_DESCRIPTORS = 4
_STALL_SECONDS = 1.0  # a timer so late means that this process stood still, so the client is not at fault
_PAUSE_SECONDS = 1.0  # before the next attempt where no descriptor is free
_LOG_SECONDS = 60.0


def most_connections() -> int:
    """Return how many connections may be open at once, derived from the limit on open files."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = files // _SHARE_OF_DESCRIPTORS if files != resource.RLIM_INFINITY else _MOST_CONNECTIONS
    return max(min(few, _MOST_CONNECTIONS), 4)


@dataclass(slots=True)
class _Connection:
    protocol: web.RequestHandler
    since: float  # when it was accepted, or its last request began or ended
    is_served: bool = False  # it has sent a whole request
    is_busy: bool = False  # a request of it is being answered

    @property
    def is_open(self) -> bool:
        return self.protocol.transport is not None

    def cut(self) -> None:
        if self.protocol.transport is not None:
            self.protocol.transport.abort()


@dataclass(slots=True)
class Connections:
    """The open connections of one server."""

    most: int = field(default_factory=most_connections)
    first_request_seconds: float = _FIRST_REQUEST_SECONDS
    now: Callable[[], float] = lambda: time.monotonic()
    _open: dict[object, _Connection] = field(default_factory=dict)
    _logged_at: float | None = None

    @web.middleware
    async def watch(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Mark a connection as busy while its request is handled: it is not cut then."""
        connection = self._open.get(request.protocol)
        if connection is None:
            return await handler(request)
        connection.is_served = connection.is_busy = True
        connection.since = self.now()
        try:
            return await handler(request)
        finally:
            connection.is_busy, connection.since = False, self.now()

    @asynccontextmanager
    async def accepting(self, server: web.Server, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
        """Accept connections on listening sockets until the block ends."""
        accepting = [asyncio.create_task(self._accept_all(server, each), name="api") for each in sockets]
        try:
            yield
        finally:
            for task in accepting:
                task.cancel()
            await asyncio.gather(*accepting, return_exceptions=True)
            for each in sockets:
                each.close()

    async def _accept_all(self, server: web.Server, listening: socket.socket) -> NoReturn:
        """Accept connections for ever; an error of one connection does not end the loop."""
        while True:
            try:
                with only_wanted_cancellation():
                    await self._accept(server, listening)
            except ConnectionError:
                continue
            except Exception as e:  # noqa: BLE001 (otherwise the process would go on without its API)
                reason = e.strerror if isinstance(e, OSError) else None
                self._log("no connection to the API can be accepted", reason or type(e).__name__)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _accept(self, server: web.Server, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        accepted, _ = await loop.sock_accept(listening)
        try:
            if not self._make_room():
                self._log("a connection to the API was refused", f"{self.most} are being answered")
                accepted.close()
                return
            _, protocol = await loop.connect_accepted_socket(server, accepted)
        except OSError:  # an error of this connection alone
            accepted.close()
            return
        except BaseException:
            accepted.close()
            raise
        connection = self._open[protocol] = _Connection(protocol, self.now())
        self._wait_for_request(connection)

    def _make_room(self) -> bool:
        """Cut the connection that has been idle longest if the limit is reached; return False where none is idle."""
        self._open = {key: connection for key, connection in self._open.items() if connection.is_open}
        if len(self._open) < self.most:
            return True
        overdue = self.now() - _LONGEST_ANSWER_SECONDS
        idle = [each for each in self._open.values() if not each.is_busy or each.since < overdue]
        if not idle:
            return False
        longest = min(idle, key=lambda each: (each.is_busy, each.is_served, each.since))
        longest.cut()
        self._log("a connection to the API was closed to make room", f"{self.most} are open")
        return True

    def _wait_for_request(self, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.first_request_seconds
        loop.call_at(due, self._cut_silent, connection, due)

    def _cut_silent(self, connection: _Connection, due: float) -> None:
        """Cut a connection without a request, unless this process stood still and may not have read the request yet."""
        if connection.is_served or not connection.is_open:
            return
        if asyncio.get_running_loop().time() - due > _STALL_SECONDS:
            self._wait_for_request(connection)
        else:
            connection.cut()

    def _log(self, what: str, reason: str) -> None:
        """Log at most once a minute, so that clients cannot fill the log."""
        now = self.now()
        if self._logged_at is None or now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            log.warning(what, extra={"reason": reason})


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host name.

    Raises:
        OSError: an address is in use, or does not belong to this machine.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            made.append(_listening(family, address))
    except OSError:
        for each in made:
            each.close()
        raise
    return made


def _listening(family: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind(address)
        made.listen(_MOST_CONNECTIONS)
    except OSError:
        made.close()
        raise
    return made
