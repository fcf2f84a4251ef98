"""The first page: how the tenants stand, what runs and waits, and how the last syncs ended."""

from dataclasses import dataclass

from aiohttp import web

from bot.api import Api, JobWatch, TenantCursor, parameters_of
from bot.pages.forms import DONE_IN_WORDS, Answered
from bot.pages.overview import overview_of
from bot.pages.rendering import render
from storage import jobs, tenants

_TENANTS_A_PAGE = 24
_JOBS_SHOWN = 10


class DashboardPage(Answered):
    """Which tenants are shown: those whose ids come after the cursor."""

    cursor: TenantCursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardPages:
    """Serves the first page."""

    api: Api
    watch: JobWatch

    def routes(self) -> list[web.RouteDef]:
        """Return how it is requested."""
        return [web.get("/", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """Show a page of the tenants, and the jobs of all."""
        params = parameters_of(request, DashboardPage)
        found = await tenants.list_tenants(self.api.db, after=params.cursor, limit=_TENANTS_A_PAGE + 1)
        shown = found[:_TENANTS_A_PAGE]
        ended = await jobs.list_jobs(self.api.db, only_finished=True, limit=_JOBS_SHOWN)
        return render(
            request,
            "dashboard.html",
            title="Dashboard",
            tenants=[await overview_of(self.api, tenant) for tenant in shown],
            following=shown[-1].id if len(found) > len(shown) else None,
            is_first=params.cursor is None,
            running=await self.watch.look(),
            tenant_id=None,
            ended=await self.api.presenter.jobs(ended),
            names={tenant.id: tenant.name or tenant.id for tenant in shown},
            known=await self.api.process_calls.known(),
            platforms=self.api.adapters.values(),
            done=DONE_IN_WORDS[params.done] if params.done else None,
        )
