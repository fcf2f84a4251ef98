"""The aiohttp server, and all calls put together."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from adapters.base import PlatformAdapter
from bot.api.audits import AuditCalls
from bot.api.auth import guard
from bot.api.docs import ExposeMetrics, OwnPages, redirect_to_docs
from bot.api.health import HealthCalls
from bot.api.jobs import JobCalls
from bot.api.presenter import Presenter
from bot.api.privacy import PrivacyCalls
from bot.api.problems import problems
from bot.api.sync import SyncCalls
from bot.api.tenants import TenantCalls
from bot.hosts import reachable_hosts
from bot.queue import JobQueue
from bot.tenants import TenantService
from storage.database import Database

log = logging.getLogger(__name__)

_LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Everything that the calls are served from; ``concurrent_tenants`` is how many syncs run at once."""

    db: Database
    queue: JobQueue
    tenants: TenantService
    next_sync_at: Callable[[str], datetime | None]
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]
    expose_metrics: ExposeMetrics
    concurrent_tenants: int
    hash_user: Callable[[str], str]

    def routes(self, *, has_token: bool) -> list[web.RouteDef]:
        """Return every call with its handler; ``has_token`` is for their description."""
        presenter = Presenter(
            db=self.db,
            adapters=self.adapters,
            next_sync_at=self.next_sync_at,
            clock=self.clock,
            slots=self.concurrent_tenants,
        )
        endpoints = [
            *TenantCalls(db=self.db, service=self.tenants, adapters=self.adapters, presenter=presenter).endpoints(),
            *SyncCalls(db=self.db, queue=self.queue, presenter=presenter, clock=self.clock).endpoints(),
            *AuditCalls(db=self.db).endpoints(),
            *PrivacyCalls(db=self.db, adapters=self.adapters, hash_user=self.hash_user, clock=self.clock).endpoints(),
            *JobCalls(db=self.db, presenter=presenter).endpoints(),
            *HealthCalls(db=self.db, adapters=self.adapters).endpoints(),
        ]
        pages = OwnPages(endpoints, self.expose_metrics, has_token=has_token).pages
        return [
            web.get("/", redirect_to_docs),
            *(call.route() for call in endpoints),
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
    """The address to listen on is taken, or not this machine's."""


@asynccontextmanager
async def serve(
    api: Api, *, host: str, port: int, allowed_hosts: Collection[str], token: str | None
) -> AsyncIterator[str]:
    """Serve until the block ends; gives the server's address.

    Raises:
        AddressInUse: names the address and the setting.
    """
    app = web.Application(
        middlewares=[problems, guard(token, [*reachable_hosts(host), *allowed_hosts])], client_max_size=_LARGEST_BODY
    )
    app.add_routes(api.routes(has_token=token is not None))
    app.on_response_prepare.append(_add_headers)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, logger=_server_log, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as e:
            raise AddressInUse(f"cannot listen on {host}:{port}: {e.strerror}; see http.port") from e
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Forbid to keep an answer, or to take it for another type than it says."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
