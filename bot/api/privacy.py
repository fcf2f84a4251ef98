"""API calls for erasure requests: make one, show its progress, list all."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from adapters.base import PlatformAdapter
from bot.api.endpoint import Endpoint, NoParameters, RequestModel, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.requests import NewErasure, RequestPage, of_platforms
from bot.api.tenants import find_tenant, require_id_field
from bot.erasures import ErasureRequests
from storage import privacy
from storage.database import Database
from storage.privacy import ErasureRequest

_PATIENCE = timedelta(seconds=2)
_REQUEST_ID = r"^[0-9a-f]{32}$"


class RequestPath(RequestModel):
    """An erasure request's path."""

    request_id: Annotated[
        str, Field(alias="requestId", pattern=_REQUEST_ID, description="Its `request_id`.", examples=["0f" * 16])
    ]


class RemovalView(ResponseModel):
    """Where a person's request holds, and what it has removed so far."""

    tenant_id: str | None = Field(description="The tenant that it is limited to; null: all.")
    messages: int = Field(description="Messages emptied; their rows stay, so that replies can be followed.")
    attachments: int
    reactions: int
    mentions: int = Field(description="Others' messages, files and channels that named, linked or repeated them.")


class RequestView(RemovalView):
    """An erasure request, and what it has removed so far. No later sync restores it."""

    request_id: str = Field(description="Its id, to request its progress by; it reveals nothing of the person.")
    status: Literal["erasing", "erased", "completed"] = Field(
        description="`erased`: no row tells of them, but a reader of a SQLite file keeps its write-ahead log, which is "
        "emptied as soon as that ends."
    )
    requested_at: datetime = Field(description="When it was first requested; asking again changes nothing of that.")
    completed_at: datetime | None


class RequestList(ResponseModel):
    """A page of the erasure requests, the oldest first."""

    requests: list[RequestView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


def next_cursor_of(page: RequestPage, count: int) -> str | None:
    """Return where the page behind one begins that holds ``count``; None: there is none."""
    return str(int(page.cursor or 0) + count) if count == page.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsAboutPeople:
    """What calls need that concern people whom the platforms' ids name. The ids are neither stored nor logged."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    hash_user: Callable[[str], str]
    erasures: ErasureRequests

    async def person_of(self, wanted: NewErasure) -> str:
        """Return the pseudonym of the person who is named; refuse what is no id, and unknown tenants."""
        adapter = self.adapters[wanted.platform]
        require_id_field(adapter, adapter.user_id_pattern, "user_id", wanted.user_id)
        if wanted.tenant_id is not None:
            await find_tenant(self.db, wanted.tenant_id)
        return self.hash_user(wanted.user_id)


class PrivacyCalls(CallsAboutPeople):
    """Serves erasures."""

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="POST",
                path="/api/forgotten-users",
                summary="Remove a person's traces, in one tenant or in all, for good.",
                handler=self.forget,
                params=NoParameters,
                body=of_platforms(NewErasure, self.adapters, "user_id"),
                results={200: RequestView, 202: RequestView},
                problems={404: "There is no such tenant."},
            ),
            Endpoint(
                method="GET",
                path="/api/forgotten-users",
                summary="List the erasure requests, without the people's ids.",
                handler=self.list,
                params=RequestPage,
                body=NoParameters,
                results={200: RequestList},
            ),
            Endpoint(
                method="GET",
                path="/api/forgotten-users/{requestId}",
                summary="Show how far an erasure request is.",
                handler=self.show,
                params=RequestPath,
                body=NoParameters,
                results={200: RequestView},
                problems={404: "There is no such erasure request."},
            ),
        ]

    async def forget(self, _: NoParameters, erasure: NewErasure) -> Result:
        """Record an erasure request durably, and begin to carry it out.

        The id is neither stored nor logged; only its hash is stored, to recognize the person in later data.
        """
        person = await self.person_of(erasure)
        request = await self.erasures.record(person, erasure.tenant_id)
        request = await self.erasures.completed(request, _PATIENCE)
        return Result(_view(request), status=200 if request.completed_at else 202)

    async def list(self, page: RequestPage, _: NoParameters) -> Result:
        """List the erasure requests."""
        found = await privacy.list_requests(self.db, offset=int(page.cursor or 0), limit=page.limit)
        return Result(RequestList(requests=list(map(_view, found)), next_cursor=next_cursor_of(page, len(found))))

    async def show(self, path: RequestPath, _: NoParameters) -> Result:
        """Show one erasure request."""
        for request in await privacy.list_requests(self.db):
            if request.id == path.request_id:
                return Result(_view(request))
        raise Problem(404, "no_such_request", f"there is no erasure request {path.request_id}")


def _view(request: ErasureRequest) -> RequestView:
    return RequestView(
        request_id=request.id,
        status="completed" if request.completed_at else "erased" if request.swept_at else "erasing",
        tenant_id=request.tenant_id,
        requested_at=request.requested_at,
        completed_at=request.completed_at,
        **asdict(request.removed),
    )
