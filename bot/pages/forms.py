"""What the pages' buttons do: ask for a sync or an audit, and cancel a job. The API's own calls carry it out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import Field, ValidationError

from bot.api import (
    Api,
    JobPath,
    Problem,
    RequestModel,
    SyncRequest,
    TenantPath,
    errors_of,
    parameters_of,
    read_body,
)
from storage import jobs
from storage.jobs import JobStatus

M = TypeVar("M", bound=RequestModel)

_FORM = "application/x-www-form-urlencoded"


class Done(StrEnum):
    """What a button did, as the address of the next page says it."""

    SYNC_QUEUED = "sync-queued"
    AUDIT_QUEUED = "audit-queued"
    UNFINISHED = "unfinished"
    AUDIT_NOTED = "audit-noted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    ENDED = "ended"


DONE_IN_WORDS = {
    Done.SYNC_QUEUED: "A sync is queued; it begins as soon as there is a place for it.",
    Done.AUDIT_QUEUED: "An audit is queued: everything is read again and compared. It begins as soon as there is a "
    "place for it.",
    Done.UNFINISHED: "There is an unfinished sync already; no other one was queued.",
    Done.AUDIT_NOTED: "There is an unfinished sync already. The audit is noted: that sync begins it, or the next one.",
    Done.CANCELLING: "The sync ends at its next safe point. What it has read stays.",
    Done.CANCELLED: "The sync is cancelled.",
    Done.ENDED: "It had ended already.",
}


class SyncForm(RequestModel):
    """The buttons of a tenant."""

    kind: Literal["manual", "audit"]
    back: Literal["dashboard", "tenant"] = "tenant"


class CancelForm(RequestModel):
    """The button of a job."""

    back: Literal["dashboard", "tenant"] = "tenant"


class Answered(RequestModel):
    """What a page is told of the button that led to it."""

    done: Annotated[Done, Field(strict=False)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """Serves the buttons."""

    api: Api

    def routes(self) -> list[web.RouteDef]:
        """Return what each button sends."""
        return [
            web.post("/tenants/{tenantId}/sync", self.request_sync),
            web.post("/jobs/{jobId}/cancel", self.cancel_job),
        ]

    async def request_sync(self, request: web.Request) -> web.Response:
        """Enqueue a sync or an audit, as the API does."""
        path, form = parameters_of(request, TenantPath), await form_of(request, SyncForm)
        body = SyncRequest.model_validate({"kind": form.kind}, strict=False)
        result = await self.api.sync_calls.request_sync(path, body)
        is_audit, is_new = form.kind == "audit", result.status == 202
        if is_new:
            done = Done.AUDIT_QUEUED if is_audit else Done.SYNC_QUEUED
        else:
            done = Done.AUDIT_NOTED if is_audit else Done.UNFINISHED
        return _back(form.back, path.tenant_id, done)

    async def cancel_job(self, request: web.Request) -> web.Response:
        """Cancel a job, as the API does."""
        path, form = parameters_of(request, JobPath), await form_of(request, CancelForm)
        job = await jobs.cancel(self.api.db, path.job_id, self.api.clock())
        if job is None:
            raise Problem(404, "no_such_job", f"there is no job {path.job_id}")
        done = {JobStatus.RUNNING: Done.CANCELLING, JobStatus.CANCELLED: Done.CANCELLED}.get(job.status, Done.ENDED)
        return _back(form.back, job.tenant_id, done)


def _back(page: str, tenant_id: str, done: Done) -> web.Response:
    path = "/" if page == "dashboard" else f"/tenants/{tenant_id}"
    return web.Response(status=303, headers={"Location": f"{path}?done={done}"})


async def form_of(request: web.Request, model: type[M]) -> M:
    """Read a form that a page of ours sent.

    Raises:
        Problem: 403 where another page may have sent it, 400, 408, 415 and 422 where it is no form of ours.
    """
    _require_own_page(request)
    if request.content_type != _FORM:
        raise Problem(415, "unsupported_media_type", f"the body has to be {_FORM}, not {request.content_type}")
    try:
        fields = parse_qsl((await read_body(request)).decode(), keep_blank_values=True)
    except UnicodeDecodeError as e:
        raise Problem(400, "invalid_body", "the form is not UTF-8") from e
    try:
        return model.model_validate(dict(fields))
    except ValidationError as e:
        errors = errors_of(e, model)
        detail = "; ".join(f"{error['field']}: {error['detail']}" for error in errors)
        raise Problem(422, "invalid_body", detail, errors=errors) from e


def _require_own_page(request: web.Request) -> None:
    """Refuse a form unless the browser says that a page of this server sent it.

    A browser adds the log-in to whatever is sent here, so the log-in proves nothing. That a named sender is ours was
    checked before; here one has to be named.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin" or (site is None and "Origin" in request.headers):
        return
    raise Problem(403, "cross_site", "this is sent by the buttons of our own pages; programs use the API: see /docs")
