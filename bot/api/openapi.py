"""The OpenAPI 3.1 document of the declared calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from bot import program_version
from bot.api.auth import OPEN_PATHS
from bot.api.downloads import Download
from bot.api.endpoint import Endpoint, Page
from bot.api.problems import ProblemDocument
from bot.api.streams import EventCall

Json: TypeAlias = dict[str, Any]  # JSON Schema is as untyped as data can be
AnyEndpoint: TypeAlias = Endpoint[Any, Any]
AnyStream: TypeAlias = Download[Any] | EventCall

_SCHEMAS = "#/components/schemas/"
_ABOUT = (
    "How the archive stands, and requests for syncs. Times are ISO 8601 in UTC, ids are text, lists come in pages: "
    "`next_cursor` of one page is the `cursor` of the next. Every error is a problem document (RFC 9457)."
)


class _Untitled(GenerateJsonSchema):
    """Generates schemas without the titles that only repeat the fields' names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Leave the title out."""
        return False


def describe(
    endpoints: Sequence[AnyEndpoint],
    pages: Sequence[Page],
    streams: Sequence[AnyStream] = (),
    *,
    has_token: bool,
) -> Json:
    """Write the whole document; ``has_token`` says whether the calls need the bearer token."""
    params = {call.params for call in endpoints} | {call.params for call in streams}
    schemas = _schemas([*params, *_bodies(endpoints)], [*_result_models(endpoints), ProblemDocument])
    parameters = {model: schemas.pop(model.__name__) for model in sorted(params, key=lambda model: model.__name__)}
    paths: Json = {}
    for call in endpoints:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, parameters[call.params], has_token)
    for stream in streams:
        paths.setdefault(stream.path, {})["get"] = _stream(stream, parameters[stream.params], has_token)
    for page in pages:
        paths[page.path] = {"get": _page(page, has_token)}
    components: Json = {"schemas": schemas}
    if has_token:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "PLATFORM_SYNC_API_TOKEN"},
            "basic": {"type": "http", "scheme": "basic", "description": "Any name; the token as the password."},
        }
    info = {"title": "Platform Sync", "version": program_version(), "description": _ABOUT}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _schemas(requests: Iterable[type[BaseModel]], responses: Iterable[type[BaseModel]]) -> dict[str, Json]:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in requests]
    models += [(model, "serialization") for model in responses]
    _, definitions = models_json_schema(models, ref_template=_SCHEMAS + "{model}", schema_generator=_Untitled)
    schemas: dict[str, Json] = definitions["$defs"]
    return schemas


def _bodies(endpoints: Iterable[AnyEndpoint]) -> Iterator[type[BaseModel]]:
    return (call.body for call in endpoints if call.body.model_fields)


def _result_models(endpoints: Iterable[AnyEndpoint]) -> Iterator[type[BaseModel]]:
    return (model for call in endpoints for model in call.results.values())


def _operation(call: AnyEndpoint, parameters: Json, has_token: bool) -> Json:
    takes_body = bool(call.body.model_fields)
    operation: Json = {"summary": call.summary, "operationId": call.handler.__name__}
    operation["parameters"] = _parameters(call.path, parameters)
    if takes_body:
        operation["requestBody"] = {
            "required": any(info.is_required() for info in call.body.model_fields.values()),
            "content": {"application/json": {"schema": {"$ref": _SCHEMAS + call.body.__name__}}},
        }
    problems = {**_usual_problems(call.path, takes_body, has_token), **call.problems}
    results = {
        status: _response(HTTPStatus(status).phrase, "application/json", model.__name__)
        for status, model in call.results.items()
    }
    return {**operation, **_responses(results, problems), **_security(call.path, has_token)}


def _stream(call: AnyStream, parameters: Json, has_token: bool) -> Json:
    operation: Json = {"summary": call.summary, "operationId": call.handler.__name__}
    operation["parameters"] = _parameters(call.path, parameters)
    content = {kind: {"schema": {"type": "string"}} for kind in call.content_types}
    problems = {**_usual_problems(call.path, False, has_token), **call.problems}
    good = {200: {"description": "OK", "content": content}}
    return {**operation, **_responses(good, problems), **_security(call.path, has_token)}


def _parameters(path: str, parameters: Json) -> list[Json]:
    required = parameters.get("required", [])
    return [
        _parameter(name, schema, in_path=f"{{{name}}}" in path, required=name in required)
        for name, schema in parameters.get("properties", {}).items()
    ]


def _page(page: Page, has_token: bool) -> Json:
    good = {200: {"description": "OK", "content": {page.content_type: {"schema": {"type": page.schema_type}}}}}
    problems = _usual_problems(page.path, False, has_token)
    operation = {"summary": page.summary, "operationId": page.handler.__name__}
    return {**operation, **_responses(good, problems), **_security(page.path, has_token)}


def _parameter(name: str, schema: Json, *, in_path: bool, required: bool) -> Json:
    """Describe a parameter; one that may be left out is not one that can be null."""
    schema = dict(schema)
    description = schema.pop("description", None)
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    if choices:
        schema = {**schema, **choices[0]}
        schema.pop("default")
        description = schema.pop("description", description)
    place = "path" if in_path else "query"
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


def _usual_problems(path: str, takes_body: bool, has_token: bool) -> dict[int, str]:
    problems = {
        400: "A query parameter is wrong, or this call does not know it.",
        403: "The request comes from a page of another site.",
        421: "The Host header does not name this server; see `http.allowed_hosts`.",
    }
    if has_token and path not in OPEN_PATHS:
        problems[401] = "The token is missing or wrong."
    if "{" in path:
        problems[404] = "There is no such thing."
    if takes_body:
        problems[400] += " Or the body is not JSON."
        problems[408] = "The body did not arrive in time."
        problems[413] = "The body is too large."
        problems[415] = "The body is said to be something else than JSON."
        problems[422] = "A field of the body is missing, wrong or unknown."
    if path.startswith("/api/"):
        problems[503] = "The database cannot be used at present."
    return problems


def _responses(results: Mapping[int, Json], problems: Mapping[int, str]) -> Json:
    described = {
        status: _response(text, "application/problem+json", ProblemDocument.__name__)
        for status, text in problems.items()
    }
    return {"responses": {str(status): response for status, response in sorted({**results, **described}.items())}}


def _response(description: str, content_type: str, model: str) -> Json:
    return {"description": description, "content": {content_type: {"schema": {"$ref": _SCHEMAS + model}}}}


def _security(path: str, has_token: bool) -> Json:
    return {"security": [{"bearer": []}, {"basic": []}]} if has_token and path not in OPEN_PATHS else {}
