"""A call is declared once; from that its requests are served, wrong ones refused, and the OpenAPI document made."""

import asyncio
import codecs
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.api.problems import Problem
from bot.wording import wrong_fields

_BODY_SECONDS = 20.0
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
# What curl and aiohttp send by default is taken for JSON, too.
_JSON_TYPES = frozenset({"application/json", "application/octet-stream", "application/x-www-form-urlencoded"})


class RequestModel(BaseModel):
    """What a caller sends: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ResponseModel(BaseModel):
    """What the API answers. Every field is always there, null where it has no value."""

    model_config = ConfigDict(frozen=True)


class NoParameters(RequestModel):
    """No parameters, or no body."""


A = TypeVar("A", bound=RequestModel)
B = TypeVar("B", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class Result:
    """The model that a call answers with, its status, and headers of its own."""

    body: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[A, B]):
    """A call that speaks JSON.

    ``params`` holds the path's ``{names}`` and all query parameters by their aliases; ``results`` is the model of each
    good status; ``problems`` are statuses beyond those that every call of its kind can have, and when they come.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[A, B], Awaitable[Result]]
    params: type[A]
    body: type[B]
    results: Mapping[int, type[BaseModel]]
    problems: Mapping[int, str] = field(default_factory=dict)

    def route(self) -> web.RouteDef:
        """Return the call as the server knows it; GET answers HEAD, too."""
        return web.get(self.path, self.serve) if self.method == "GET" else web.route(self.method, self.path, self.serve)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request."""
        params = parameters_of(request, self.params)
        body = await _body(request, self.body)
        result = await self.handler(params, body)
        text = result.body.model_dump_json()
        content_type = "application/json"
        return web.Response(status=result.status, text=f"{text}\n", content_type=content_type, headers=result.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A GET without parameters whose answer is not one of our models."""

    path: str
    summary: str
    content_type: str
    schema_type: str  # of the answer, in the words of JSON Schema
    handler: Callable[[web.Request], Awaitable[web.Response]]

    def route(self) -> web.RouteDef:
        """Return the page as the server knows it."""
        return web.get(self.path, self.serve)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request."""
        parameters_of(request, NoParameters)
        return await self.handler(request)


def parameters_of(request: web.Request, model: type[A]) -> A:
    """Check the path's and the query's parameters by a model.

    Raises:
        Problem: 400 names every wrong one; 404 where the path can name nothing.
    """
    types = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    given: dict[str, object] = dict(request.match_info)
    for name, text in request.query.items():
        if name in given:
            raise Problem(400, "invalid_query", f"{name}: give it once", errors=[{"field": name, "detail": "twice"}])
        given[name] = _value(text, types.get(name))
    try:
        return model.model_validate(given)
    except ValidationError as e:
        errors = errors_of(e, model, hidden=request.match_info)
        wrong = next((error for error in errors if error["field"] in request.match_info), None)
        if wrong:  # what no id can look like is not looked up
            raise Problem(404, "not_found", f"nothing can be here: {_spoken(wrong)}", errors=errors) from e
        raise Problem(400, "invalid_query", "; ".join(map(_spoken, errors)), errors=errors) from e


def _value(text: str, annotation: object) -> object:
    """Convert text that spells a boolean or a whole number; all else is left for the model to refuse."""
    if annotation is bool and text in ("true", "false"):
        return text == "true"
    if annotation is int and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return text


async def _body(request: web.Request, model: type[B]) -> B:
    if not model.model_fields:
        return model()
    raw = (await read_body(request)).removeprefix(codecs.BOM_UTF8)  # Windows editors begin a file with one
    if not raw and not any(info.is_required() for info in model.model_fields.values()):
        return model()
    if request.content_type not in _JSON_TYPES:
        detail = f"the body has to be application/json, not {request.content_type}"
        raise Problem(415, "unsupported_media_type", detail)
    try:
        return model.model_validate_json(raw)
    except ValidationError as e:
        errors = errors_of(e, model)
        if any(error["type"] == "json_invalid" for error in e.errors(include_url=False)):
            raise Problem(400, "invalid_json", f"the body is not JSON (UTF-8): {errors[0]['detail']}") from e
        raise Problem(422, "invalid_body", "; ".join(map(_spoken, errors)), errors=errors) from e


async def read_body(request: web.Request) -> bytes:
    """Read a body.

    Raises:
        Problem: 400, 408: it is broken, or does not arrive in time.
    """
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError as e:
        raise Problem(408, "request_timeout", f"the body did not arrive within {_BODY_SECONDS:g} s") from e
    except (web.RequestPayloadError, HttpProcessingError) as e:
        raise Problem(400, "broken_body", "the body does not keep to its own headers") from e


def errors_of(
    error: ValidationError, model: type[RequestModel], *, hidden: Collection[str] = ()
) -> list[dict[str, str]]:
    """List each invalid field with a description of valid values; never quote the value, which may be secret."""
    found = wrong_fields(model, error, whole="a JSON object", hidden=hidden)
    return [{"field": name or "body", "detail": words} for name, words in found]


def _spoken(error: Mapping[str, str]) -> str:
    return f"{error['field']}: {error['detail']}"
