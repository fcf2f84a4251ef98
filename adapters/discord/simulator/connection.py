"""One WebSocket of the gateway: frames out in order, as text or as one zlib stream."""

import asyncio
import zlib
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from adapters.discord.simulator.store import dump


@dataclass(frozen=True, slots=True)
class _Close:
    code: int
    reason: bytes


class Connection:
    """A connected client. Sending only queues, so that a change of the world never waits for a client."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self._socket = socket
        # The whole connection is one zlib stream; each message ends with a sync flush.
        self._stream = zlib.compressobj() if compress else None
        self._outgoing: asyncio.Queue[bytes | _Close] = asyncio.Queue()
        self.closing = False

    def send(self, frame: bytes) -> None:
        """Queue a ready frame; nothing after a close."""
        if not self.closing:
            self._outgoing.put_nowait(frame)

    def send_op(self, op: int, data: Any = None) -> None:
        """Queue a frame that is no event."""
        self.send(dump({"op": op, "d": data, "s": None, "t": None}))

    def garble(self, frame: bytes | None) -> None:
        """Queue a malformed frame, or (None) compress what follows as another stream, which the client cannot read."""
        if frame is None:
            self._stream = zlib.compressobj() if self._stream is not None else None
        self.send(frame or b"{}")

    def close(self, code: int, reason: str = "") -> None:
        """Queue the close, after what is queued already."""
        if not self.closing:
            self.closing = True
            self._outgoing.put_nowait(_Close(code, reason.encode()))

    async def write(self) -> None:
        """Send what is queued, until the close or until the client is gone."""
        while True:
            item = await self._outgoing.get()
            if isinstance(item, _Close):
                await self._socket.close(code=item.code, message=item.reason)
                return
            try:
                await self._write_frame(item)
            except ConnectionError:
                return

    async def _write_frame(self, frame: bytes) -> None:
        if self._stream is None:
            await self._socket.send_str(frame.decode("ascii"))
        else:
            await self._socket.send_bytes(self._stream.compress(frame) + self._stream.flush(zlib.Z_SYNC_FLUSH))
