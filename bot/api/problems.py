"""Errors as problem documents (RFC 9457), and the one place where an error becomes a status."""

import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from storage.errors import StorageError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """What is wrong with a request, and what would be right."""

    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.more = more


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem document."""
    try:
        return await handler(request)
    except Problem as e:
        return document(e)
    except ValidationError as e:
        errors = [
            {"field": ".".join(str(part) for part in error["loc"]) or "body", "detail": error["msg"]}
            for error in e.errors(include_url=False, include_input=False, include_context=False)
        ]
        summary = "; ".join(f"{error['field']}: {error['detail']}" for error in errors)
        return document(Problem(422, "invalid_body", summary, errors=errors))
    except web.HTTPException as e:
        return document(Problem(e.status, _code(e), _detail(e, request)), headers=e.headers)
    except StorageError as e:
        log.error("a request failed on the database", extra={"path": request.path, "code": e.code, "error": str(e)})
        return document(Problem(503, e.code, f"the database cannot be used at present: {e}"))
    except Exception:
        log.exception("a request failed", extra={"path": request.path})
        return document(Problem(500, "internal_error", "this is a fault of the server; its log has the details"))


def document(problem: Problem, headers: object = None) -> web.Response:
    """The answer that tells of a problem."""
    body = {"title": problem.code.replace("_", " "), "status": problem.status, "code": problem.code}
    text = json.dumps({**body, "detail": problem.detail, **problem.more})
    response = web.Response(status=problem.status, text=text, content_type="application/problem+json")
    allow = headers.get("Allow") if hasattr(headers, "get") else None
    if allow:
        response.headers["Allow"] = allow
    return response


def _code(error: web.HTTPException) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status, "bad_request")


def _detail(error: web.HTTPException, request: web.Request) -> str:
    if error.status == 404:
        return f"there is nothing at {request.path}"
    if error.status == 405:
        return f"{request.method} is not for {request.path}"
    return error.reason
