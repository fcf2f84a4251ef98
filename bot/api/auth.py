"""Which requests are let in: those with the token where one is set, and never a browser's of another site.

Programs send the token as bearer. A browser is asked for it by HTTP Basic: any name, and the token as the password.
"""

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.api.problems import Handler, Problem
from bot.hosts import is_loopback, normal_host

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/docs.js", "/openapi.json"})
"""The paths that say nothing of the archive and need no token; all others do."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(token: str | None, own_hosts: Collection[str], open_paths: Collection[str] = OPEN_PATHS) -> Middleware:
    """Make the middleware that lets requests in as the configuration says.

    Args:
        token: what a request has to show; None lets every one in.
        own_hosts: the host names of this server, beside those of the machine itself.
        open_paths: what needs no token.

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
        if request.path not in open_paths:
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
    """Return whether a page of another server sent the request, or may have."""
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    own = origin.partition("://")[2]
    return normal_host(own) not in hosts or _is_neighbour(request, own)


def _is_neighbour(request: web.Request, origin: str) -> bool:
    """Return whether a change is asked for by a page of another port of this host: that is another server.

    Browsers say so themselves, in Sec-Fetch-Site, but not where they speak plain HTTP to another machine.
    """
    if request.method in _SAFE_METHODS or "Sec-Fetch-Site" in request.headers:
        return False
    is_same_name = normal_host(origin) == normal_host(request.host)
    return is_same_name and origin.rpartition(":")[2] != request.host.rpartition(":")[2]


def _has_token(request: web.Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    shown = {"bearer": _as_bearer, "basic": _as_password}.get(scheme.lower(), _nothing)(given.strip())
    return hmac.compare_digest(shown, token.encode())


def _as_bearer(given: str) -> bytes:
    return given.encode("utf-8", "surrogateescape")


def _as_password(given: str) -> bytes:
    """Return the password of HTTP Basic; the name before it can be any."""
    try:
        return base64.b64decode(given, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _nothing(_: str) -> bytes:
    return b""
