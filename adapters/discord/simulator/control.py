"""Routes that Discord does not have: what a benchmark in another process asks the simulator about itself."""

import time

from aiohttp import web

from adapters.discord.simulator.request_log import RequestLog


def add_control_routes(application: web.Application, requests: RequestLog) -> None:
    """GET /_simulator/requests and /_simulator/cpu; they are neither logged nor limited."""

    async def counts(_: web.Request) -> web.Response:
        return web.json_response(requests.counts())

    async def cpu(_: web.Request) -> web.Response:
        return web.json_response({"cpu_seconds": time.process_time()})

    application.router.add_get("/_simulator/requests", counts)
    application.router.add_get("/_simulator/cpu", cpu)
