"""All calls, put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from adapters.base import PlatformAdapter
from bot.api.audits import CoverageCalls
from bot.api.health import Health
from bot.api.jobs import JobCalls
from bot.api.own_pages import Expose, OwnPages, show_the_way
from bot.api.presenter import Presenter
from bot.api.sync import SyncCalls
from bot.api.tenants import TenantCalls
from bot.queue import JobQueue
from bot.tenants import TenantService
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The calls, over what they ask and tell; ``concurrent_tenants`` is how many syncs run at once."""

    db: Database
    queue: JobQueue
    tenants: TenantService
    next_sync_at: Callable[[str], datetime | None]
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]
    expose_metrics: Expose
    concurrent_tenants: int
    hash_user: Callable[[str], str]

    def routes(self, *, has_token: bool) -> list[web.RouteDef]:
        """Every call with its handler; ``has_token`` is for their description."""
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
            *CoverageCalls(db=self.db, adapters=self.adapters, hash_user=self.hash_user, clock=self.clock).endpoints(),
            *JobCalls(db=self.db, presenter=presenter).endpoints(),
            *Health(db=self.db, adapters=self.adapters).endpoints(),
        ]
        pages = OwnPages(endpoints, self.expose_metrics, has_token=has_token).pages
        return [web.get("/", show_the_way), *(call.route() for call in endpoints), *(page.route() for page in pages)]
