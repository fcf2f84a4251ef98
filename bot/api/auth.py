"""Which requests are let in: those with the bearer token where one is set, and never a browser's of another site."""

import hmac
from collections.abc import Collection, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.api.problems import Handler, Problem
from bot.hosts import is_loopback, normal_host

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
"""The paths that say nothing of the archive and need no token; all others do."""


def guard(token: str | None, own_hosts: Collection[str]) -> Middleware:
    """Make the middleware that lets requests in as the configuration says.

    A page of another site can make its reader's browser send requests to this machine. It cannot hide it: the
    browser names the site (Sec-Fetch-Site, Origin), or, by a rebound name, the wrong Host.
    """
    hosts = _LOCAL_HOSTS | {host for given in own_hosts if (host := normal_host(given))}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = normal_host(request.headers.get("Host", ""))
        if host not in hosts and not (host and is_loopback(host)):
            raise Problem(421, "wrong_host", f"this server is not {host or 'a nameless host'}; see http.allowed_hosts")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") or _is_foreign(request, hosts):
            raise Problem(403, "cross_site", "requests from other sites' pages are refused")
        if token is None or _has_token(request, token):
            return await handler(request)
        if request.path not in OPEN_PATHS:
            raise Problem(401, "unauthorized", "send the header 'Authorization: Bearer <PLATFORM_SYNC_API_TOKEN>'")
        try:
            return await handler(request)
        except Problem as e:
            raise _without_details(e) from e

    return check


def _without_details(problem: Problem) -> Problem:
    """Return a problem without the details that require the token, such as paths and roles."""
    reasons = problem.more.get("reasons")
    if not isinstance(reasons, Mapping):
        return problem
    parts = dict.fromkeys(reasons, "not ready; send the token to see the reason")
    return Problem(problem.status, problem.code, f"not ready: {', '.join(parts)}", reasons=parts)


def _is_foreign(request: web.Request, hosts: Collection[str]) -> bool:
    origin = request.headers.get("Origin")
    return origin is not None and normal_host(origin.partition("://")[2]) not in hosts


def _has_token(request: web.Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), token.encode()
    )
