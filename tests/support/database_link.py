"""The network between one daemon and its database, which a test can cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url


class DatabaseLink:
    """Passes on what a daemon and Postgres send to each other; while it is cut, nothing, and nobody is told."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._pumps: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Let nothing through any more."""
        self._is_whole.clear()

    def mend(self) -> None:
        """Let everything through again, also what was sent meanwhile."""
        self._is_whole.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the daemon's."""
        await self._is_whole.wait()
        try:
            there, here = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.close()
            return
        for source, target in ((reader, here), (there, writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._is_whole.wait()
                target.write(data)
                await target.drain()
        target.close()

    async def end(self) -> None:
        """Drop all connections."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def database_link(url: str) -> AsyncIterator[tuple[DatabaseLink, str]]:
    """Open a link to a Postgres that listens on a socket in the file system; yield it, and the address behind it."""
    known = make_url(url)
    folder, port = str(known.query["host"]), known.query.get("port", "5432")
    link = DatabaseLink(f"{folder}/.s.PGSQL.{port}")
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    at = server.sockets[0].getsockname()[1]
    reached = known.set(host="127.0.0.1", port=at).difference_update_query(["host", "port"])
    try:
        yield link, reached.render_as_string(hide_password=False)
    finally:
        server.close()
        await link.end()
