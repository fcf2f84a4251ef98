"""The aiohttp server around the calls."""

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.api.auth import guard
from bot.api.problems import problems
from bot.api.routes import Api

log = logging.getLogger(__name__)

_LARGEST_BODY = 64 * 1024


class _OnlyFaults(logging.Filter):
    """What is not HTTP is no fault of ours, and aiohttp would log its bytes, which may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is a fault."""
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
    app = web.Application(middlewares=[problems, guard(token, allowed_hosts)], client_max_size=_LARGEST_BODY)
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
    """Answers are for now, and are what they say they are."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
