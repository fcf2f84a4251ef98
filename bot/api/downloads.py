"""A GET whose answer is a stream of bytes of unknown length: it flows while it is made, and is whole or cut off."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from aiohttp import web

from bot.api.endpoint import RequestModel, parameters_of
from bot.api.problems import Problem
from storage.errors import StorageError

log = logging.getLogger(__name__)

A = TypeVar("A", bound=RequestModel)

_AT_ONCE = 2  # each holds a connection to the database
_PATIENCE = timedelta(seconds=60)  # with who takes nothing: what is held for them holds up erasures and the next ones
_PIECE = 256 * 1024  # bytes, which also a slow line takes in that time


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is sent: its parts, of which the first says that nothing is wrong with the request."""

    parts: AsyncIterator[bytes]
    content_type: str
    filename: str


@dataclass(slots=True, kw_only=True)
class Download(Generic[A]):
    """A call that sends a file; ``content_types`` are all that it can have.

    Who takes nothing of it for as long as ``patience`` is cut off.
    """

    path: str
    summary: str
    handler: Callable[[A], Awaitable[Sent]]
    params: type[A]
    content_types: tuple[str, ...]
    problems: Mapping[int, str] = field(default_factory=dict)
    patience: timedelta = _PATIENCE
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
                return await _send(request, sent, self.patience)
        finally:
            self._under_way -= 1


class _StandsStill(Exception):
    """Who asked for a download takes nothing more of it."""


async def _send(request: web.Request, sent: Sent, patience: timedelta) -> web.StreamResponse:
    first = await anext(sent.parts)
    disposition = f'attachment; filename="{sent.filename}"'
    response = web.StreamResponse(headers={"Content-Type": sent.content_type, "Content-Disposition": disposition})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await _write(response, first, patience)
        async for part in sent.parts:
            await _write(response, part, patience)
    except ConnectionError:
        log.info("a download was given up by who asked for it", extra={"path": request.path})
    except _StandsStill:
        log.info("a download was cut off that nobody took any more", extra={"path": request.path})
        _cut_off(request)
    except StorageError as e:
        log.error("a download was cut off", extra={"path": request.path, "code": e.code, "error": str(e)})
        _cut_off(request)
    return response


async def _write(response: web.StreamResponse, part: bytes, patience: timedelta) -> None:
    for start in range(0, len(part), _PIECE):
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await response.write(part[start : start + _PIECE])
        except TimeoutError as e:
            raise _StandsStill from e


def _cut_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()  # an orderly end would pass for a whole file
