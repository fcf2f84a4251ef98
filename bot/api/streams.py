"""Streams of server-sent events: what calls and pages have in common that tell of something as it happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from aiohttp import web
from aiohttp_sse import sse_response

from bot.api.endpoint import RequestModel
from storage.errors import StorageError

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0


class Event(NamedTuple):
    """An event: its kind, and its data, a text of any number of lines."""

    kind: str
    data: str


Look = Callable[[], Awaitable[Sequence[Event]]]
"""Returns what is to be sent at this moment."""


class EventStreams:
    """Sends events to each who listens, until they leave or the process stops."""

    def __init__(self) -> None:
        self._ending = asyncio.Event()

    async def end(self, _: web.Application) -> None:
        """End all streams: otherwise stopping would wait for them."""
        self._ending.set()

    async def send(self, request: web.Request, look: Look) -> web.StreamResponse:
        """Answer a request by a stream: look once a second, and send what is to be sent."""
        async with sse_response(request) as response:
            with suppress(ConnectionError, TimeoutError):
                while response.is_connected() and not self._ending.is_set():
                    try:
                        events = await look()
                    except StorageError as e:  # who listens asks again after some seconds
                        log.debug("a stream of events ends: the database cannot be read", extra={"error": e.code})
                        break
                    for kind, data in events:
                        await response.send(data, event=kind)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._ending.wait(), _PAUSE_SECONDS)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCall:
    """A call that is answered by a stream of events."""

    path: str
    summary: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    params: type[RequestModel]
    content_types: tuple[str, ...] = ("text/event-stream",)
    problems: Mapping[int, str] = field(default_factory=dict)

    def route(self) -> web.RouteDef:
        """Return the call as the server knows it."""
        return web.get(self.path, self.handler, allow_head=False)
