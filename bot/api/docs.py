"""The pages that are no calls: the figures, and the API's description for programs and, as plain HTML, for people."""

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any

from aiohttp import web

from bot.api.endpoint import Page
from bot.api.openapi import AnyEndpoint, AnyStream, describe
from bot.api.trying import FIELD_OF_THE_KEY, SCRIPT, SCRIPT_PATH, try_form

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code { font-size: .9em } h2 { margin-top: 2.5rem; border-top: 1px solid #8886; padding-top: 1rem }
table { border-collapse: collapse; width: 100% } td { vertical-align: top; padding: .2rem .8rem .2rem 0 }
form.try label { display: block; margin: .4rem 0 } form.try input, form.try textarea { font: inherit; width: 100% }
form.try textarea { font-family: monospace } output { display: block; white-space: pre-wrap; overflow-wrap: anywhere }
output { font-family: monospace; font-size: .9em; max-height: 30rem; overflow: auto; margin: .4rem 0 }
[hidden] { display: none !important }
tr { border-bottom: 1px solid #8883 } .method { display: inline-block; min-width: 4.5rem; font-weight: 600 }
"""
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style and script, requests to this server, and nothing else."""

_Json = Mapping[str, Any]


def page(document: _Json) -> str:
    """Write the OpenAPI document as a page for people, readable without its script and without a network."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    endpoints = [(method, path, call) for path, item in document["paths"].items() for method, call in item.items()]
    schemas = document["components"]["schemas"]
    contents = "".join(f"<li>{_link(method, path)} {_text(call['summary'])}</li>" for method, path, call in endpoints)
    authorization = "<p>Send <code>Authorization: Bearer &lt;token&gt;</code>.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main><h1>{title}</h1>'
        f"<p>{_text(document['info']['description'])}</p>"
        f"{authorization + FIELD_OF_THE_KEY if 'securitySchemes' in document['components'] else ''}"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a></p><ul>{contents}</ul>'
        f"{''.join(_call(*call, schemas) for call in endpoints)}<h2>Schemas</h2>"
        f"{''.join(_schema(name, schema) for name, schema in schemas.items())}"
        f'<script src="{SCRIPT_PATH}"></script></main></body></html>\n'
    )


def _call(method: str, path: str, call: _Json, schemas: _Json) -> str:
    parameters = _table(
        (
            p["name"],
            p["in"] + (", required" if p["required"] else ""),
            _type(p["schema"]),
            _text(p["description"] or ""),
        )
        for p in call.get("parameters", ())
    )
    body = call.get("requestBody")
    takes = f"<p>Body: {_contents(body)}{'' if body['required'] else ' (may be left out)'}</p>" if body else ""
    results = _table(
        (status, _text(answer["description"]), _contents(answer)) for status, answer in call["responses"].items()
    )
    heading = f'<h2 id="{_anchor(method, path)}"><code>{method.upper()} {escape(path)}</code></h2>'
    is_endless = "text/event-stream" in call["responses"].get("200", {}).get("content", {})
    tried = "" if is_endless else try_form(method, path, call, schemas)
    return f"{heading}<p>{_text(call['summary'])}</p>{parameters}{takes}{results}{tried}"


def _schema(name: str, schema: _Json) -> str:
    required = schema.get("required", ())
    fields = _table(
        (field, _type(kind) + (", required" if field in required else ""), _text(kind.get("description", "")))
        for field, kind in schema.get("properties", {}).items()
    )
    words = _text(schema.get("description", ""))
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{words}</p>{fields or f"<p>{_type(schema)}</p>"}'


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table; of each row the first cell is a name, the others are HTML already."""
    lines = [
        f"<tr><td><code>{escape(row[0])}</code></td>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>"
        for row in rows
    ]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def _contents(holder: _Json) -> str:
    return ", ".join(f"<code>{escape(kind)}</code> {_type(c['schema'])}" for kind, c in holder["content"].items())


def _type(schema: _Json) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    limits = [f"{key} {schema[key]}" for key in _LIMITS if key in schema]
    return escape(", ".join([schema.get("format", schema.get("type", "any")), *limits]))


_LIMITS = ("pattern", "minLength", "maxLength", "minimum", "maximum", "default")


def _text(text: str) -> str:
    """Write prose as HTML; what stands between backticks is code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _link(method: str, path: str) -> str:
    words = f'<span class="method">{method.upper()}</span> {escape(path)}'
    return f'<a href="#{_anchor(method, path)}"><code>{words}</code></a>'


def _anchor(method: str, path: str) -> str:
    return escape(method + path.replace("/", "-").replace("{", "").replace("}", ""))


ExposeMetrics = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Gives the figures in the form that an Accept header names, and that form's content type."""


class OwnPages:
    """The pages beside the calls: the figures, and the description for programs and for people."""

    def __init__(
        self,
        endpoints: Sequence[AnyEndpoint],
        expose: ExposeMetrics,
        streams: Sequence[AnyStream] = (),
        *,
        has_token: bool,
    ) -> None:
        self._expose, self._endpoints, self._streams, self._has_token = expose, endpoints, streams, has_token
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
            Page(
                path=SCRIPT_PATH,
                summary="The script by which that page tries a call out.",
                content_type="text/javascript",
                schema_type="string",
                handler=self.show_script,
            ),
        ]

    @cached_property
    def _document(self) -> _Json:
        """Made when it is first requested: it takes a tenth of a second, which a start can do without."""
        return describe(self._endpoints, self.pages, self._streams, has_token=self._has_token)

    async def show_metrics(self, request: web.Request) -> web.Response:
        """Answer in the format that the caller prefers."""
        body, content_type = await self._expose(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def show_document(self, _: web.Request) -> web.Response:
        """Respond with the document itself."""
        return web.json_response(self._document)

    async def show_docs(self, _: web.Request) -> web.Response:
        """Answer with the document as a page that loads nothing from elsewhere."""
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        return web.Response(text=page(self._document), content_type="text/html", headers=headers)

    async def show_script(self, _: web.Request) -> web.Response:
        """Respond with the page's script."""
        return web.Response(text=SCRIPT, content_type="text/javascript")
