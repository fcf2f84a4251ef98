"""A GET whose answer is a stream of bytes of unknown length: it flows while it is made, and is whole or cut off."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiohttp import web

from bot.api.endpoint import RequestModel, parameters_of
from bot.api.problems import Problem
from storage.errors import StorageError

log = logging.getLogger(__name__)

A = TypeVar("A", bound=RequestModel)

_AT_ONCE = 2  # each holds a connection to the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is sent: its parts, of which the first says that nothing is wrong with the request."""

    parts: AsyncIterator[bytes]
    content_type: str
    filename: str


@dataclass(slots=True, kw_only=True)
class Download(Generic[A]):
    """A call that sends a file; ``content_types`` are all that it can have."""

    path: str
    summary: str
    handler: Callable[[A], Awaitable[Sent]]
    params: type[A]
    content_types: tuple[str, ...]
    problems: Mapping[int, str] = field(default_factory=dict)
    _under_way: int = 0

    def route(self) -> web.RouteDef:
        """Return the call as the server knows it."""
        return web.get(self.path, self.serve)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        sent = await self.handler(parameters_of(request, self.params))
        if self._under_way >= _AT_ONCE:
            detail = f"{_AT_ONCE} downloads are under way, which is as many as there may be; try again later"
            raise Problem(429, "too_many_downloads", detail)
        self._under_way += 1
        try:
            async with aclosing(sent.parts):  # type: ignore[type-var] # what makes parts is a generator
                return await _send(request, sent)
        finally:
            self._under_way -= 1


async def _send(request: web.Request, sent: Sent) -> web.StreamResponse:
    first = await anext(sent.parts)
    disposition = f'attachment; filename="{sent.filename}"'
    response = web.StreamResponse(headers={"Content-Type": sent.content_type, "Content-Disposition": disposition})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await response.write(first)
        async for part in sent.parts:
            await response.write(part)
    except ConnectionError:
        log.info("a download was given up by who asked for it", extra={"path": request.path})
    except StorageError as e:
        log.error("a download was cut off", extra={"path": request.path, "code": e.code, "error": str(e)})
        if request.transport is not None:
            request.transport.abort()  # an orderly end would pass for a whole file
    return response
