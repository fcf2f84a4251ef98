"""Progress as it happens: a stream of server-sent events for each page that is looked at."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Annotated

import aiohttp_jinja2
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response
from pydantic import Field

from bot.api import RequestModel, parameters_of
from bot.pages.running import JobWatch, Running
from storage.errors import StorageError

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_REFRESH_SECONDS = 15.0  # what changes without any job beginning or ending


class EventsOf(RequestModel):
    """Whose jobs a page shows; of all tenants where none is named."""

    tenant: Annotated[str, Field(max_length=200)] | None = None


class EventStreams:
    """Sends the unfinished jobs whenever they differ, and says when the rest of a page should be fetched again."""

    def __init__(self, watch: JobWatch) -> None:
        self._watch = watch
        self._ending = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """Return how a stream is asked for."""
        return [web.get("/events", self.stream, allow_head=False)]

    async def end(self, _: web.Application) -> None:
        """End all streams: otherwise stopping would wait for them."""
        self._ending.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send events until the page is left or the process stops."""
        tenant_id = parameters_of(request, EventsOf).tenant
        async with sse_response(request) as response:
            with suppress(ConnectionError, TimeoutError):
                await self._send(request, response, tenant_id)
        return response

    async def _send(self, request: web.Request, response: EventSourceResponse, tenant_id: str | None) -> None:
        sent, version, refreshed = "", None, time.monotonic()
        while response.is_connected() and not self._ending.is_set():
            try:
                running = await (self._watch.look_at(tenant_id) if tenant_id else self._watch.look())
            except StorageError as e:  # the browser asks again after some seconds
                log.debug("a page is not kept up to date: the database cannot be read", extra={"error": e.code})
                return
            if (text := jobs_as_html(request, running, tenant_id)) != sent:
                await response.send(text, event="jobs")
                sent = text
            is_due = time.monotonic() - refreshed > _REFRESH_SECONDS
            if is_due or version not in (None, running.version):
                await response.send("", event="changed")
                refreshed = time.monotonic()
            version = running.version
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _PAUSE_SECONDS)


def jobs_as_html(request: web.Request, running: Running, tenant_id: str | None) -> str:
    """Write the part of a page that shows the unfinished jobs."""
    return aiohttp_jinja2.render_string("parts/jobs.html", request, {"running": running, "tenant_id": tenant_id})
