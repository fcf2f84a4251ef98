"""A Discord on loopback: REST and gateway on one port, over real sockets, around one world."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from adapters.discord.simulator.changes import Changes
from adapters.discord.simulator.edge import Edge
from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.gateway import Gateway
from adapters.discord.simulator.limits import Limiter, Limits
from adapters.discord.simulator.model import World
from adapters.discord.simulator.request_log import GATEWAY, RequestLog
from adapters.discord.simulator.rest import Rest

API = "/api/v10"
STOP_GRACE_SECONDS = 0.25


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Simulator:
    """Serves a world from entering to leaving the context.

    limits             None: nothing is limited and no answer says so
    latency_seconds    added to every REST answer
    seed               of everything here that looks like chance (the world has its own)
    port               0: a free one
    clock              how late it is when something changes; None: a second later than at the change before
    """

    def __init__(
        self,
        world: World,
        *,
        limits: Limits | None = None,
        latency_seconds: float = 0.0,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] | None = _utc_now,
    ) -> None:
        self.world = world
        if clock is not None:
            world.ids.follow(clock)
        self.faults = Faults(seed)
        self.requests = RequestLog()
        self.gateway = Gateway(world)
        self.change = Changes(world, self.gateway.dispatch)
        self.rest = Rest(world, self.gateway, seed=seed)
        self._edge = Edge(
            world,
            limiter=Limiter(limits),
            faults=self.faults,
            requests=self.requests,
            latency_seconds=latency_seconds,
        )
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def rest_url(self) -> str:
        """What discord.py calls Route.BASE."""
        return f"http://{self._host}:{self._port}{API}"

    @property
    def gateway_url(self) -> str:
        """What discord.py calls DiscordWebSocket.DEFAULT_GATEWAY."""
        return f"ws://{self._host}:{self._port}{GATEWAY}"

    async def start(self) -> None:
        """Listen. OSError where the port is taken."""
        application = web.Application()
        self.rest.add_routes(application, self._edge, API)
        application.router.add_get(GATEWAY, self._edge.guard_gateway(self.gateway.serve), allow_head=False)
        application.router.add_get("/_simulator/requests", self._request_counts)
        application.router.add_get("/_simulator/pace", self._pace)
        application.router.add_get("/_simulator/identifies", self._identifies)
        application.router.add_get("/_simulator/cpu", self._cpu)
        application.on_shutdown.append(self._close_gateway)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            # A handler ends when its client goes: a hung request must not outlive it.
            handler_cancellation=True,
            shutdown_timeout=STOP_GRACE_SECONDS,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        self.gateway.url = self.gateway_url

    async def stop(self) -> None:
        """Close every connection and the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _close_gateway(self, _: web.Application) -> None:
        self.gateway.close(1001, "Going away.")

    # Routes that Discord does not have, for a benchmark in another process; they are neither logged nor limited.

    async def _request_counts(self, _: web.Request) -> web.Response:
        return web.json_response(self.requests.counts())

    async def _pace(self, _: web.Request) -> web.Response:
        return web.json_response({"most_requests_a_second": self.requests.most_within()})

    async def _identifies(self, _: web.Request) -> web.Response:
        return web.json_response(self.gateway.starts.told())

    async def _cpu(self, _: web.Request) -> web.Response:
        return web.json_response({"cpu_seconds": time.process_time()})
