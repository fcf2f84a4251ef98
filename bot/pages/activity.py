"""What goes on in a tenant: by day and hour, by channel, and which reactions are given; as charts and as tables."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.api import Api, TenantPath, find_tenant, parameters_of
from bot.pages.charts import POLICY, draw_columns, draw_rows
from bot.pages.figures import Chart, bars_of, tables_of
from bot.pages.rendering import render
from storage.errors import QueryTooLong
from storage.reading import Statistics, statistics

DAYS = (7, 30, 90, 365)
_FRESH_SECONDS = 60.0
_MOST_KEPT = 32
_MOST_ROWS = 15


class ActivityQuery(TenantPath):
    """A tenant's activity in the last days."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class ChartQuery(ActivityQuery):
    """One chart of it."""

    chart: Annotated[Chart, Field(strict=False)]


@dataclass(frozen=True, slots=True)
class _Counted:
    figures: Statistics | None  # None: there is too much
    at: float


class ActivityPages:
    """Serves the activity of tenants, counted once a minute at most."""

    def __init__(self, api: Api, now: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._api, self._now = api, now
        self._kept: dict[tuple[str, int], _Counted] = {}
        self._counting: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    def routes(self) -> list[web.RouteDef]:
        """Return how it is requested."""
        return [
            web.get("/tenants/{tenantId}/activity", self.show),
            web.get("/tenants/{tenantId}/activity/{chart}.svg", self.draw),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Show the charts, and what they are made of as tables."""
        params = parameters_of(request, ActivityQuery)
        tenant = await find_tenant(self._api.db, params.tenant_id)
        figures = await self._count(tenant.id, params.days)
        return render(
            request,
            "activity.html",
            title=f"Activity of {tenant.name or tenant.id}",
            tenant=tenant,
            tenant_id=tenant.id,
            days=params.days,
            choices=DAYS,
            figures=figures,
            tables=tables_of(tenant.id, figures) if figures else [],
        )

    async def draw(self, request: web.Request) -> web.Response:
        """Draw one chart."""
        params = parameters_of(request, ChartQuery)
        tenant = await find_tenant(self._api.db, params.tenant_id)
        figures = await self._count(tenant.id, params.days)
        bars = bars_of(params.chart, figures, self._api.clock().date(), params.days) if figures else []
        draw = draw_columns if params.chart in (Chart.DAYS, Chart.HOURS) else draw_rows
        text = await asyncio.to_thread(draw, bars)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": f"private, max-age={_FRESH_SECONDS:.0f}"}
        return web.Response(text=text, content_type="image/svg+xml", headers=headers)

    async def _count(self, tenant_id: str, days: int) -> Statistics | None:
        """Return what was counted within the last minute; None where there is too much to be counted."""
        key = (tenant_id, days)
        async with self._counting[key]:
            kept = self._kept.get(key)
            if kept is None or self._now() - kept.at > _FRESH_SECONDS:
                kept = _Counted(await self._counted(tenant_id, days), self._now())
                self._keep(key, kept)
            return kept.figures

    async def _counted(self, tenant_id: str, days: int) -> Statistics | None:
        now = self._api.clock()
        first = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            return await statistics(self._api.db, tenant_id, since=first, until=now, most=_MOST_ROWS)
        except QueryTooLong:
            return None

    def _keep(self, key: tuple[str, int], counted: _Counted) -> None:
        """Keep what was counted, and forget what was counted longest ago of very many."""
        self._kept.pop(key, None)
        self._kept[key] = counted
        for oldest in list(self._kept)[:-_MOST_KEPT]:
            del self._kept[oldest]
            self._counting.pop(oldest, None)
