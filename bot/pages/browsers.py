"""A browser that opens an address of the API, or makes a mistake, is answered with a page; programs get their JSON."""

import json
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.pages.rendering import protect, render

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_DOCUMENTS = frozenset({"/openapi.json"})  # to be stored, or opened by tools
_LOG_IN = 'Basic realm="Platform Sync", charset="UTF-8"'
_KEPT = ("Allow", "Location", "Referrer-Policy", "Retry-After")
_SAFE_METHODS = frozenset({"GET", "HEAD"})


def prefers_page(request: web.Request) -> bool:
    """Return whether a caller names HTML among what it accepts, as browsers do when they open an address."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in request.headers.get("Accept", "").split(",")]
    named = [kind for kind in kinds if kind in ("text/html", _JSON, _PROBLEM, "text/event-stream")]
    return bool(named) and named[0] == "text/html"


def for_browsers(*, load_media: bool) -> Middleware:
    """Make the middleware that turns JSON into pages where a browser asks, and keeps each page to what is ours."""

    @web.middleware
    async def show(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if isinstance(response, web.Response) and prefers_page(request) and request.path not in _DOCUMENTS:
            response = _as_page(request, response)
        if response.content_type == "text/html":
            protect(response, load_media=load_media)
        return response

    return show


def _as_page(request: web.Request, response: web.Response) -> web.Response:
    if response.content_type not in (_JSON, _PROBLEM) or not response.text:
        return response
    body = json.loads(response.text)
    page = _problem(request, body) if response.content_type == _PROBLEM else _answer(request, body, response.status)
    kept = {name: value for name, value in response.headers.items() if name in _KEPT}
    page.headers.update(kept | {"Vary": "Accept"})
    if response.status == 401:
        page.headers["WWW-Authenticate"] = _LOG_IN
    return page


def _problem(request: web.Request, body: dict[str, Any]) -> web.Response:
    can_be_opened = body["code"] == "cross_site" and request.method in _SAFE_METHODS
    return render(
        request,
        "problem.html",
        status=body["status"],
        title=body["title"].capitalize(),
        problem=body,
        errors=body.get("errors", []),
        # One slash: two would lead to another server.
        again=f"/{request.path_qs.lstrip('/')}" if can_be_opened and "\\" not in request.path else None,
    )


def _answer(request: web.Request, body: Any, status: int) -> web.Response:
    cursor = body.get("next_cursor") if isinstance(body, dict) else None
    return render(
        request,
        "answer.html",
        status=status,
        title=f"{request.method} {request.path}",
        body=body,
        text=json.dumps(body, indent=2, ensure_ascii=False),
        following=request.rel_url.update_query(cursor=cursor).path_qs if cursor else None,
    )
