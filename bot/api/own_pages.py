"""The answers that are not of our models: the figures, and the API's own description for programs and for people."""

import json
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.api import docs
from bot.api.endpoint import Page
from bot.api.openapi import AnyEndpoint, describe

Expose = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The figures in the form that an Accept header asks for, and that form's content type."""


class OwnPages:
    """The pages beside the calls that they describe."""

    def __init__(self, endpoints: Sequence[AnyEndpoint], expose: Expose, *, has_token: bool) -> None:
        self._expose = expose
        self.pages = [
            Page(
                path="/metrics",
                summary="Figures for Prometheus.",
                content_type="text/plain",
                schema_type="string",
                handler=self.show_metrics,
            ),
            Page(
                path="/openapi.json",
                summary="This description for programs (OpenAPI 3.1).",
                content_type="application/json",
                schema_type="object",
                handler=self.show_document,
            ),
            Page(
                path="/docs",
                summary="This description for people.",
                content_type="text/html",
                schema_type="string",
                handler=self.show_docs,
            ),
        ]
        document = describe(endpoints, self.pages, has_token=has_token)
        self._json, self._html = json.dumps(document), docs.page(document)

    async def show_metrics(self, request: web.Request) -> web.Response:
        """In the format that the asker prefers."""
        body, content_type = await self._expose(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def show_document(self, _: web.Request) -> web.Response:
        """The document itself."""
        return web.Response(text=self._json, content_type="application/json")

    async def show_docs(self, _: web.Request) -> web.Response:
        """The document as a page that loads nothing."""
        headers = {"Content-Security-Policy": docs.POLICY, "Referrer-Policy": "no-referrer"}
        return web.Response(text=self._html, content_type="text/html", headers=headers)


async def show_the_way(_: web.Request) -> web.Response:
    """Who comes to the front door is sent to the description."""
    return web.Response(status=302, text="See /docs.\n", headers={"Location": "/docs"})
