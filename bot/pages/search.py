"""The page of a search: the box, what was found with its place, and where nothing was, why that may be."""

from dataclasses import dataclass

from aiohttp import web

from bot.api import Api, HitView, NoParameters, Problem, SearchPage, SearchView, find_tenant, parameters_of
from bot.pages.excerpts import Excerpt, excerpt_of
from bot.pages.rendering import render
from bot.search_query import OPERATORS
from storage.search import Order
from storage.tenants import Tenant

_ORDERS = {Order.NEWEST: "newest first", Order.OLDEST: "oldest first", Order.RELEVANCE: "the best first"}
# Of these the page itself says what is wrong with the query, and lets it be put right.
_TOLD_BESIDE_THE_BOX = frozenset({"invalid_query", "search_disabled", "query_too_long"})


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A message that was found, and the part of it that is shown."""

    view: HitView
    excerpt: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPages:
    """Serves searches."""

    api: Api

    def routes(self) -> list[web.RouteDef]:
        """Return how they are requested."""
        return [web.get("/tenants/{tenantId}/search", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """Show a page of hits; without a query what can be requested."""
        params = parameters_of(request, SearchPage)
        tenant = await find_tenant(self.api.db, params.tenant_id)
        if not params.q.strip():
            return self._page(request, params, tenant)
        try:
            result = await self.api.search_calls.search(params, NoParameters())
        except Problem as e:
            if e.code not in _TOLD_BESIDE_THE_BOX:
                raise
            return self._page(request, params, tenant, problem=e)
        found = SearchView.model_validate(result.body)
        return self._page(request, params, tenant, found=found)

    def _page(
        self,
        request: web.Request,
        params: SearchPage,
        tenant: Tenant,
        *,
        found: SearchView | None = None,
        problem: Problem | None = None,
    ) -> web.Response:
        cursor = found.next_cursor if found else None
        return render(
            request,
            "search.html",
            status=problem.status if problem else 200,
            title=f"{params.q.strip()[:80]} – search" if params.q.strip() else "Search",
            tenant=tenant,
            tenant_id=tenant.id,
            searched=params.q,
            order=params.order,
            orders=_ORDERS,
            operators=OPERATORS.values(),
            found=found,
            hits=[ShownHit(hit, excerpt_of(hit)) for hit in found.hits] if found else [],
            following=request.rel_url.update_query(cursor=cursor).path_qs if cursor else None,
            problem=problem,
            candidates=problem.more.get("candidates", []) if problem else [],
        )
