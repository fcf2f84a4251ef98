"""Errors as problem documents (RFC 9457), and the one place where an error becomes a status."""

import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from storage.errors import QueryTooLong, StorageError, TenantStopped, UnknownTenant

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


class FieldError(BaseModel):
    """One wrong parameter, or one wrong field of the body."""

    field: str = Field(description="Its name; `body` for the body as a whole.")
    detail: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """What went wrong and what would be right (RFC 9457)."""

    model_config = ConfigDict(extra="allow", title="Problem")

    title: str = Field(description="The kind of problem, in words.", examples=["invalid query"])
    status: int = Field(description="The HTTP status.", examples=[400])
    code: str = Field(description="The kind of problem, for programs; it stays the same.", examples=["invalid_query"])
    detail: str = Field(description="What is wrong here.", examples=["limit: must be a whole number from 1 to 200"])
    errors: list[FieldError] = Field(
        default_factory=list, description="The wrong fields one by one, where fields are wrong."
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem document."""
    try:
        return await handler(request)
    except Problem as e:
        return document(e)
    except web.HTTPException as e:
        return document(Problem(e.status, _code(e), _detail(e, request)), headers=e.headers)
    except UnknownTenant as e:
        return document(Problem(404, "no_such_tenant", str(e)))
    except TenantStopped as e:
        return document(Problem(409, "stopped", str(e)))
    except QueryTooLong as e:
        return document(Problem(503, e.code, str(e)))
    except StorageError as e:
        log.error("a request failed on the database", extra={"path": request.path, "code": e.code, "error": str(e)})
        return document(Problem(503, e.code, f"the database cannot be used at present: {e}"))
    except Exception:
        log.exception("a request failed", extra={"path": request.path})
        return document(Problem(500, "internal_error", "this is a fault of the server; its log has the details"))


def document(problem: Problem, headers: object = None) -> web.Response:
    """Write a problem as the answer to a request."""
    body = {"title": problem.code.replace("_", " "), "status": problem.status, "code": problem.code}
    text = json.dumps({**body, "detail": problem.detail, **problem.more})
    response = web.Response(status=problem.status, text=f"{text}\n", content_type="application/problem+json")
    allow = headers.get("Allow") if hasattr(headers, "get") else None
    if allow:
        response.headers["Allow"] = allow
    if seconds := problem.more.get("retry_after_seconds"):
        response.headers["Retry-After"] = str(seconds)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _code(error: web.HTTPException) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status, "bad_request")


def _detail(error: web.HTTPException, request: web.Request) -> str:
    if error.status == 404:
        return f"there is nothing at {request.path}"
    if error.status == 405:
        return f"{request.method} is not for {request.path}"
    return error.reason
