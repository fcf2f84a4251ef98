"""The aiohttp server around the calls."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from aiohttp import web

from bot.api.guard import guard
from bot.api.problems import problems
from bot.api.routes import Api

_LARGEST_BODY = 64 * 1024


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
    app = web.Application(middlewares=[problems, guard(token, allowed_hosts)], client_max_size=_LARGEST_BODY)
    app.add_routes(api.routes())
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=2.0)
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
