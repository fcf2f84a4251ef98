"""The aiohttp server, and all calls put together."""

import logging
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from adapters.base import PlatformAdapter
from bot.api.audits import AuditCalls
from bot.api.auth import OPEN_PATHS, guard
from bot.api.changes import ChangeCalls
from bot.api.connections import KEEP_ALIVE_SECONDS, Connections, listening_sockets
from bot.api.docs import ExposeMetrics, OwnPages
from bot.api.events import EventCalls
from bot.api.export import ExportCalls
from bot.api.files import FileCalls
from bot.api.gaps import GapCalls
from bot.api.health import HealthCalls
from bot.api.jobs import JobCalls
from bot.api.openapi import AnyStream
from bot.api.opt_outs import OptOutCalls
from bot.api.presenter import Presenter
from bot.api.privacy import PrivacyCalls
from bot.api.problems import problems
from bot.api.processes import ProcessCalls
from bot.api.reading import ReadingCalls
from bot.api.running import JobWatch
from bot.api.search import SearchCalls
from bot.api.site import Site, bare_site
from bot.api.streams import EventStreams
from bot.api.sync import SyncCalls
from bot.api.tenants import TenantCalls
from bot.database_probe import DatabaseProbe
from bot.erasures import ErasureRequests
from bot.file_links import FileLinks
from bot.hosts import normal_host, reachable_hosts
from bot.live import LiveFollower
from bot.queue import JobQueue
from bot.search import Searcher
from bot.skip_words import SkipWords
from bot.tenants import TenantService
from storage.database import Database

log = logging.getLogger(__name__)

_LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Api:
    """Everything that the calls are served from; ``concurrent_tenants`` is how many syncs run at once."""

    db: Database
    owner: str  # this process
    queue: JobQueue
    tenants: TenantService
    next_sync_at: Callable[[str], datetime | None]
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]
    expose_metrics: ExposeMetrics
    concurrent_tenants: int
    hash_user: Callable[[str], str]
    erasures: ErasureRequests
    follower: LiveFollower
    searcher: Searcher
    streams: EventStreams = field(default_factory=EventStreams)

    @cached_property
    def watch(self) -> JobWatch:
        """What looks at the unfinished jobs for all who follow them."""
        return JobWatch(self.presenter)

    @property
    def presenter(self) -> Presenter:
        """What makes views of tenants and jobs."""
        return Presenter(
            db=self.db,
            adapters=self.adapters,
            next_sync_at=self.next_sync_at,
            clock=self.clock,
            slots=self.concurrent_tenants,
        )

    @property
    def skip_words(self) -> SkipWords:
        """The words in which each platform says why a channel is not archived."""
        return SkipWords({name: adapter.words for name, adapter in self.adapters.items()})

    @property
    def sync_calls(self) -> SyncCalls:
        """The calls about one tenant's syncs, which the pages make, too."""
        return SyncCalls(
            db=self.db, queue=self.queue, presenter=self.presenter, clock=self.clock, skip_words=self.skip_words
        )

    @property
    def search_calls(self) -> SearchCalls:
        """The call that searches, which the pages make, too."""
        return SearchCalls(db=self.db, searcher=self.searcher, skip_words=self.skip_words)

    @property
    def process_calls(self) -> ProcessCalls:
        """The call about the processes that share the archive, which the pages make, too."""
        return ProcessCalls(db=self.db, owner=self.owner, platforms=self.adapters.keys())

    def routes(self, *, has_token: bool) -> list[web.RouteDef]:
        """Return every call with its handler; ``has_token`` is for their description."""
        presenter = self.presenter
        endpoints = [
            *TenantCalls(db=self.db, service=self.tenants, adapters=self.adapters, presenter=presenter).endpoints(),
            *self.sync_calls.endpoints(),
            *AuditCalls(db=self.db, follower=self.follower, skip_words=self.skip_words).endpoints(),
            *GapCalls(db=self.db).endpoints(),
            *ReadingCalls(db=self.db, clock=self.clock).endpoints(),
            *ChangeCalls(db=self.db, clock=self.clock).endpoints(),
            *PrivacyCalls(
                db=self.db, adapters=self.adapters, hash_user=self.hash_user, erasures=self.erasures
            ).endpoints(),
            *OptOutCalls(
                db=self.db, adapters=self.adapters, hash_user=self.hash_user, erasures=self.erasures
            ).endpoints(),
            *FileCalls(db=self.db, links=FileLinks(db=self.db, adapters=self.adapters, clock=self.clock)).endpoints(),
            *self.search_calls.endpoints(),
            *JobCalls(db=self.db, presenter=presenter).endpoints(),
            *self.process_calls.endpoints(),
            *HealthCalls(
                database=DatabaseProbe(self.db),
                adapters=self.adapters,
                blocked=self.follower.blocked,
                is_settled=self.tenants.membership.is_settled,
            ).endpoints(),
        ]
        streams: list[AnyStream] = [
            *ExportCalls(db=self.db).downloads(),
            *EventCalls(presenter=presenter, watch=self.watch, streams=self.streams).event_calls(),
        ]
        pages = OwnPages(endpoints, self.expose_metrics, streams, has_token=has_token).pages
        return [
            *(call.route() for call in endpoints),
            *(call.route() for call in streams),
            *(page.route() for page in pages),
        ]


class _OnlyFaults(logging.Filter):
    """Drops records about requests that are not HTTP: aiohttp would log their bytes, which may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.debug("a request is not HTTP", extra={"error": type(error).__name__})
            return False
        return True


_server_log = logging.getLogger(f"{__name__}.aiohttp")
_server_log.addFilter(_OnlyFaults())


class AddressInUse(Exception):
    """The address to listen on is in use, not this machine's, or not permitted to this user."""

    def __init__(self, message: str, *, needs_a_person: bool) -> None:
        super().__init__(message)
        self.needs_a_person = needs_a_person  # whether only a change of the configuration helps, and no restart


@asynccontextmanager
async def serve(
    api: Api,
    *,
    host: str,
    port: int,
    allowed_hosts: Collection[str],
    token: str | None,
    site: Site | None = None,
    connections: Connections | None = None,
) -> AsyncIterator[str]:
    """Serve the calls, and the pages of ``site``, until the block ends; gives the server's address.

    Raises:
        AddressInUse: names the address and the setting.
    """
    connections, site = connections or Connections(), site or bare_site()
    let_in = guard(token, [*reachable_hosts(host), *allowed_hosts], OPEN_PATHS | site.open_paths)
    app = web.Application(
        middlewares=[connections.watch, site.middleware, problems, let_in], client_max_size=_LARGEST_BODY
    )
    site.set_up(app)
    app.add_routes([*site.routes, *api.routes(has_token=token is not None)])
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(api.streams.end)
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=_server_log,
        shutdown_timeout=2.0,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=1.0,
    )
    await runner.setup()
    shown = normal_host(host) or host
    try:
        assert runner.server is not None  # noqa: S101 (it is set up)
        try:
            sockets = listening_sockets(host, port)
        except OSError as e:
            why, other = os.strerror(e.errno) if e.errno else str(e), port + 1 if port < 65_535 else port - 1
            remedy = f"set http.port to another one, as in PLATFORM_SYNC_HTTP__PORT={other}"
            message = f"cannot listen on {shown}:{port}: {why}; {remedy}"
            raise AddressInUse(message, needs_a_person=isinstance(e, PermissionError)) from e
        async with connections.accepting(runner.server, sockets):
            yield f"http://{shown}:{sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Forbid to keep an answer, or to take it for another type than it says."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
