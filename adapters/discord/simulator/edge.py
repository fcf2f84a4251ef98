"""What every request passes before the API's routes see it: log, Cloudflare, token, limits, faults."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from adapters.discord.simulator.breakage import break_answer, without_cursor
from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.limits import Limiter, Verdict
from adapters.discord.simulator.model import World
from adapters.discord.simulator.request_log import GATEWAY, UNANSWERED, RequestLog
from adapters.discord.simulator.responses import Refused, json_answer, rate_limited

Route = Callable[[web.Request], web.Response]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_OPEN_ROUTES = frozenset(("/gateway",))


class Edge:
    """Wraps routes. The order is Discord's: the ban of an address first, then who asks, then how often."""

    def __init__(
        self, world: World, *, limiter: Limiter, faults: Faults, requests: RequestLog, latency_seconds: float
    ) -> None:
        self.latency_seconds = latency_seconds
        self._authorization = f"Bot {world.token}"
        self._limiter = limiter
        self._faults = faults
        self._requests = requests

    def guard(self, template: str, route: Route) -> Handler:
        """Return a route as the HTTP server calls it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            ids = request.match_info
            channel = ids.get("channel_id")
            channel_id = int(channel) if channel and channel.isdecimal() else None
            entry = self._requests.begin(request.method, template, request.path, request.query, channel_id)
            status, scope = UNANSWERED, None
            try:
                response = await self._answer(request, template, route, channel or ids.get("guild_id"), channel_id)
                if request.transport is not None and not request.transport.is_closing():
                    status, scope = response.status, response.headers.get("X-RateLimit-Scope")
                elif response.prepared:
                    status = response.status
                return response
            finally:
                self._requests.end(entry, status)
                self._limiter.answered(status, scope)

        return handle

    def guard_gateway(self, serve: Handler) -> Handler:
        """Guard the gateway's handshake: logged, struck by faults of route `GATEWAY`, without token or limits."""

        async def handle(request: web.Request) -> web.StreamResponse:
            entry = self._requests.begin(request.method, GATEWAY, request.path, request.query, None)
            fault = self._faults.strike(GATEWAY, None)
            if fault is None or fault.kind in ("slow", "late"):
                await asyncio.sleep(fault.seconds if fault else 0)
                self._requests.end(entry, 101)
                return await serve(request)
            response = await break_answer(request, fault, lambda: json_answer({}))
            self._requests.end(entry, response.status if request.transport is not None else UNANSWERED)
            return response

        return handle

    async def _answer(
        self, request: web.Request, template: str, route: Route, major_id: str | None, channel_id: int | None
    ) -> web.StreamResponse:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        ban = self._limiter.banned()
        if ban is not None:
            return rate_limited(ban)
        if template not in _OPEN_ROUTES and request.headers.get("Authorization") != self._authorization:
            return json_answer({"message": "401: Unauthorized", "code": 0}, 401)
        verdict = self._limiter.admit(template, major_id)
        if verdict.refusal is not None:
            return _with_headers(rate_limited(verdict.refusal), verdict)
        if self._faults.ignores_cursor(template, channel_id):
            request = without_cursor(request)
        fault = self._faults.strike(template, channel_id)
        if fault is not None and fault.kind == "hold":
            await self._faults.until_cleared()
            fault = None
        if fault is None:
            return _with_headers(_true_answer(request, route), verdict)
        return await break_answer(request, fault, lambda: _with_headers(_true_answer(request, route), verdict))


def _true_answer(request: web.Request, route: Route) -> web.Response:
    try:
        return route(request)
    except Refused as refused:
        return json_answer(refused.body, refused.status)


def _with_headers(response: web.Response, verdict: Verdict) -> web.Response:
    response.headers.update(verdict.headers)
    return response
