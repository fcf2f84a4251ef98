"""discord.py's gateway connection with our parsing: raw events are passed on, and unreadable frames survived.

It uses private parts of discord.py (docs/decisions/0003), hence the exact pin in pyproject.toml.
"""

import asyncio
import logging
import zlib
from collections.abc import Callable
from typing import Any, NoReturn

import aiohttp
import orjson
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from adapters.discord.convert import Payload, as_int, as_object
from adapters.discord.gateway.keep_alive import KeepAlive
from adapters.discord.rest import LARGE, decode

log = logging.getLogger(__name__)

_LEVELS = 3  # the frame, what it carries, and the lists in that: a guild's channels and threads
_LEAST_HEARTBEAT_SECONDS, _MOST_HEARTBEAT_SECONDS = 0.01, 300.0


class MalformedFrame(Exception):
    """A frame is not one of the gateway protocol, or the stream's compression is broken."""


class EventsMissing(Exception):
    """A session's next event is not the one behind the newest one, by their numbers."""


async def parse(text: str) -> Payload:
    """Parse a frame with orjson, which is faster; in slices where it is large, or orjson refuses a lone surrogate.

    Raises:
        MalformedFrame: the text is not a JSON object.
    """
    try:
        frame = orjson.loads(text) if len(text) < LARGE else await decode(text, _LEVELS)
    except ValueError:
        try:
            frame = await decode(text, _LEVELS)
        except ValueError as e:
            raise MalformedFrame(type(e).__name__) from None
    if not isinstance(frame, dict):
        raise MalformedFrame(f"a {type(frame).__name__} in place of a frame")
    return frame


def _ignore(event: str, data: Any) -> None: ...


def _refuse(_: int) -> bool:
    return False


class GatewaySocket(DiscordWebSocket):
    """One connection. Events do not reach the library's parsers: an event that those cannot parse would end the bot."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop=loop)
        self.on_event: Callable[[str, Any], None] = _ignore
        self.may_go_on: Callable[[int], bool] = _refuse
        """Called where events are missing behind a number: returns whether those that come are to be handled."""

    @property
    def heart(self) -> KeepAlive | None:
        """The heartbeat task; None before the first frame and after the last."""
        heart: object = self._keep_alive
        return heart if isinstance(heart, KeepAlive) else None

    async def received_message(self, msg: Any, /) -> None:
        """Handle one frame.

        Raises:
            ReconnectWebSocket: the gateway wants a new connection, or a new session.
            MalformedFrame: the frame cannot be read.
            EventsMissing: events before that of the frame have not been received.
        """
        text = self._inflated(msg) if isinstance(msg, bytes) else msg
        if text is None:
            return  # the rest of the frame follows
        frame = await parse(text)
        op, data = frame.get("op"), frame.get("d")
        if op == self.DISPATCH:
            self._count(as_int(frame.get("s")))
            self._dispatched(frame.get("t"), data)
        elif op == self.HELLO:
            await self._greeted(as_object(data).get("heartbeat_interval"))
        elif op == self.HEARTBEAT_ACK and self.heart is not None:
            self.heart.ack()
        elif op == self.HEARTBEAT and self.heart is not None:
            await self.send_as_json(self.heart.get_payload())
        elif op == self.RECONNECT:
            await self.close()
            raise ReconnectWebSocket(self.shard_id)
        elif op == self.INVALIDATE_SESSION:
            await self._invalidated(is_resumable=data is True)

    def _inflated(self, compressed: bytes) -> str | None:
        try:
            return self._decompressor.decompress(compressed)
        except (zlib.error, UnicodeDecodeError) as e:
            raise MalformedFrame(type(e).__name__) from None

    def _count(self, number: int | None) -> None:
        if number is None:
            return
        if self.sequence is not None and number > self.sequence + 1 and not self.may_go_on(self.sequence):
            raise EventsMissing
        self.sequence = number

    async def _greeted(self, interval: Any) -> None:
        if isinstance(interval, bool) or not isinstance(interval, (int, float)) or self.heart is not None:
            raise MalformedFrame("a greeting that cannot be")
        seconds = min(max(interval / 1000, _LEAST_HEARTBEAT_SECONDS), _MOST_HEARTBEAT_SECONDS)
        heart = KeepAlive(self, interval_seconds=seconds, shard_id=self.shard_id)
        self._keep_alive = heart  # type: ignore[assignment]  # (decision 0015)
        await self.send_as_json(heart.get_payload())
        heart.start()

    def _dispatched(self, event: object, data: Any) -> None:
        if not isinstance(event, str):
            raise MalformedFrame("an event without a name")
        if event == "READY":
            ready = as_object(data)
            session_id, address = ready.get("session_id"), ready.get("resume_gateway_url")
            self.session_id = session_id if isinstance(session_id, str) else None
            if isinstance(address, str) and address.startswith(("ws://", "wss://")):
                self.gateway = yarl.URL(address)
        try:
            self.on_event(event, data)
        except Exception as e:  # noqa: BLE001 (the next event comes all the same; this one would come again with a RESUME)
            log.warning("skipped a malformed gateway event", extra={"gateway_event": event, "cause": type(e).__name__})

    async def _invalidated(self, *, is_resumable: bool) -> NoReturn:
        if is_resumable:
            await self.close()
            raise ReconnectWebSocket(self.shard_id)
        self.sequence = self.session_id = None
        await self.close(code=1000)
        raise ReconnectWebSocket(self.shard_id, resume=False)
