"""All calls, put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from adapters.base import PlatformAdapter
from bot.api.audits import CoverageCalls
from bot.api.health import Wellbeing
from bot.api.jobs import JobCalls
from bot.api.own_pages import Expose, OwnPages, show_the_way
from bot.api.presenter import Views
from bot.api.sync import SyncCalls
from bot.api.tenants import TenantCalls
from bot.tenancy import Tenancy
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The calls, over what they ask and tell; ``concurrent_tenants`` is how many syncs run at once."""

    db: Database
    tenancy: Tenancy
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]
    expose_metrics: Expose
    concurrent_tenants: int
    hash_user: Callable[[str], str]

    def routes(self, *, has_token: bool) -> list[web.RouteDef]:
        """Every call with its handler; ``has_token`` is for their description."""
        views = Views(
            db=self.db,
            adapters=self.adapters,
            next_sync_at=self.tenancy.scheduler.next_sync_at,
            clock=self.clock,
            slots=self.concurrent_tenants,
        )
        calls = [
            *TenantCalls(db=self.db, tenancy=self.tenancy, adapters=self.adapters, views=views).calls(),
            *SyncCalls(db=self.db, tenancy=self.tenancy, views=views, clock=self.clock).calls(),
            *CoverageCalls(db=self.db, adapters=self.adapters, hash_user=self.hash_user, clock=self.clock).calls(),
            *JobCalls(db=self.db, views=views).calls(),
            *Wellbeing(db=self.db, adapters=self.adapters).calls(),
        ]
        pages = OwnPages(calls, self.expose_metrics, has_token=has_token).pages
        return [web.get("/", show_the_way), *(call.route() for call in calls), *(page.route() for page in pages)]
