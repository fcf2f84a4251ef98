"""The shape of what Discord's REST API answers: JSON bodies, error objects, and the headers around them.

https://docs.discord.com/developers/reference#error-messages
"""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from adapters.discord.simulator.limits import Refusal, refusal_headers
from adapters.discord.simulator.store import dump

ORIGIN = {"Via": "1.1 google", "Server": "cloudflare"}
"""Headers of an answer from Discord itself. Clients take one without Via for Cloudflare's own."""

EDGE = {"Server": "cloudflare"}


class Refused(Exception):
    """A request that Discord answers with an error object."""

    def __init__(self, status: int, code: int, message: str, errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "code": code}
        if errors:
            self.body["errors"] = errors


def unknown(what: str, code: int) -> Refused:
    """404: there is no such thing, or none that the bot may know of."""
    return Refused(404, code, f"Unknown {what}")


def unknown_route() -> Refused:
    """404 of a path that the API does not have."""
    return Refused(404, 0, "404: Not Found")


def missing_access() -> Refused:
    """403: the bot cannot view the channel, or cannot connect to its voice."""
    return Refused(403, 50001, "Missing Access")


def invalid_form(field: str, code: str, message: str) -> Refused:
    """400: a value that the API does not take, named as it does."""
    return Refused(400, 50035, "Invalid Form Body", {field: {"_errors": [{"code": code, "message": message}]}})


def json_answer(payload: Any, status: int = 200) -> web.Response:
    """Return an answer with a body made here."""
    return json_bytes(dump(payload), status)


def json_bytes(body: bytes, status: int = 200) -> web.Response:
    """Return an answer with ready bytes. No charset in the type: discord.py takes such a body for text and fails."""
    return web.Response(body=body, status=status, content_type="application/json", headers=ORIGIN)


def html_answer(status: int, title: str, *, via: bool = True) -> web.Response:
    """Return an error page, as proxies before the API send it."""
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(body=page.encode(), status=status, content_type="text/html", headers=ORIGIN if via else EDGE)


def rate_limited(refusal: Refusal) -> web.Response:
    """Return a 429: Discord's JSON, or Cloudflare's page, which has no Via."""
    if refusal.scope == "cloudflare":
        response = html_answer(429, "Error 1015: You are being rate limited", via=False)
    else:
        retry_after = round(refusal.retry_after_seconds, 3)
        body = {
            "message": "You are being rate limited.",
            "retry_after": retry_after,
            "global": refusal.scope == "global",
        }
        response = json_bytes(json.dumps(body).encode(), 429)
    response.headers.update(refusal_headers(refusal))
    return response
