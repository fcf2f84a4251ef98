"""Progress as it happens: a stream of server-sent events for each page that is looked at."""

import math
import time
from collections.abc import Callable, Sequence

import aiohttp_jinja2
from aiohttp import web

from bot.api import Event, EventStreams, JobWatch, RequestModel, Running, TenantId, parameters_of

_LEAST_SECONDS = 5.0  # between two times that a page is fetched again
_REFRESH_SECONDS = 15.0  # what changes without any job beginning or ending


class EventsOf(RequestModel):
    """Whose jobs a page shows; of all tenants where none is named."""

    tenant: TenantId | None = None


class Refreshes:
    """Says when a page is to be fetched again: after jobs have begun or ended, but not at each of very many."""

    def __init__(self, now: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._now = now
        self._version: object = None
        self._is_stale = False
        self._may_from = -math.inf
        self._has_to_from = now() + _REFRESH_SECONDS

    def is_due(self, version: object) -> bool:
        """Return whether to fetch it now, and count on that being done; ``version`` differs once a job has changed."""
        self._is_stale = self._is_stale or self._version not in (None, version)
        self._version, now = version, self._now()
        if now < (self._may_from if self._is_stale else self._has_to_from):
            return False
        self._is_stale, self._may_from, self._has_to_from = False, now + _LEAST_SECONDS, now + _REFRESH_SECONDS
        return True


class JobEvents:
    """Sends the unfinished jobs whenever they differ, and says when the rest of a page should be fetched again."""

    def __init__(self, watch: JobWatch, streams: EventStreams) -> None:
        self._watch = watch
        self._streams = streams

    def routes(self) -> list[web.RouteDef]:
        """Return how a stream is requested."""
        return [web.get("/events", self.stream, allow_head=False)]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send events until the page is left or the process stops."""
        tenant_id = parameters_of(request, EventsOf).tenant
        sent, refreshes = "", Refreshes()

        async def look() -> Sequence[Event]:
            nonlocal sent
            running = await (self._watch.look_at(tenant_id) if tenant_id else self._watch.look())
            text, events = jobs_as_html(request, running, tenant_id), list[Event]()
            if text != sent:
                events.append(Event("jobs", text))
                sent = text
            if refreshes.is_due(running.version):
                events.append(Event("changed", ""))
            return events

        return await self._streams.send(request, look)


def jobs_as_html(request: web.Request, running: Running, tenant_id: str | None) -> str:
    """Write the part of a page that shows the unfinished jobs."""
    return aiohttp_jinja2.render_string("parts/jobs.html", request, {"running": running, "tenant_id": tenant_id})
