"""What a browser is served beside the calls: its pages come from another package, which this one does not know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Pages, and how they are put into the server.

    ``open_paths`` need no token; ``middleware`` is around everything, problem documents too; ``set_up`` is called once
    with the application, before it serves.
    """

    routes: Sequence[web.AbstractRouteDef]
    open_paths: frozenset[str]
    middleware: Middleware
    set_up: Callable[[web.Application], None]


def bare_site() -> Site:
    """Return what is served without pages: the bare address leads to the description of the calls."""
    return Site(
        routes=[web.get("/", _redirect_to_docs)],
        open_paths=frozenset({"/"}),
        middleware=_unchanged,
        set_up=lambda _: None,
    )


async def _redirect_to_docs(_: web.Request) -> web.Response:
    return web.Response(status=302, text="See /docs.\n", headers={"Location": "/docs"})


@web.middleware
async def _unchanged(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)
