"""Sockets that the daemon listens on by itself, over the simulated network: simloom knows servers alone."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from simloom import SimLoop, SimServer
from simloom._context import current_host


class _Waiting(asyncio.Protocol):
    """A connection that nobody has accepted yet; what comes in is kept."""

    def __init__(self, made: "asyncio.Queue[_Waiting]") -> None:
        self._made = made
        self.transport: Any = None
        self.received: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait to be accepted."""
        self.transport = transport
        self._made.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        """Keep what was sent."""
        self.received.append(data)

    def close(self) -> None:
        """Refuse the connection."""
        self.transport.close()


class _Listening:
    """Stands for a socket that listens."""

    def __init__(self, _family: int, address: tuple[Any, ...]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        network, self._address = loop._network, (str(address[0]), int(address[1]))
        if self._address in network._listeners:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self.made: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._server = SimServer(network, lambda: _Waiting(self.made), self._address)
        self._server.owner = current_host.get()
        network._listeners[self._address] = self._server

    def getsockname(self) -> tuple[str, int]:
        """Return the address."""
        return self._address

    def close(self) -> None:
        """Listen no more."""
        self._server.close()


async def _accept(_: SimLoop, listening: _Listening) -> tuple[_Waiting, tuple[str, int]]:
    return await listening.made.get(), ("10.0.0.99", 0)


async def _connect(_: SimLoop, factory: Callable[[], Any], accepted: _Waiting) -> tuple[Any, Any]:
    transport, protocol = accepted.transport, factory()
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    for data in accepted.received:
        protocol.data_received(data)
    return transport, protocol


@contextmanager
def simulated_sockets() -> Iterator[None]:
    """Let the API's own sockets be simulated until the block ends."""
    with (
        patch("bot.api.connections._listening", _Listening),
        patch.object(SimLoop, "sock_accept", _accept),
        patch.object(SimLoop, "connect_accepted_socket", _connect),
    ):
        yield
