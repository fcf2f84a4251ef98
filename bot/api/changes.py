"""The call by which programs follow what is changed in the archive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.api.endpoint import Endpoint, NoParameters, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.reading import message_view
from bot.api.reading_responses import MessageView
from bot.api.requests import TenantPath
from bot.api.tenants import find_tenant
from storage.changes import ChangeKind, ChangePage, StartAnew, changes_after, number_changes, read_place
from storage.database import Database

_PLACE = r"^(0|[1-9][0-9]{0,17})(-[0-9]{1,19})?(\.[1-9][0-9]{0,17})?$"
_NUMBERED_AT_ONCE = 20  # steps; what is left is told by the next call
_ANEW = (
    "what was read up to `after` is no longer what this archive holds: messages were deleted from it, or an older "
    "backup was restored. Drop it, and read again from after=0"
)
_TOO_LONG = "It took too long and was cut off; ask for less."


def _as_place(value: object) -> object:
    if isinstance(value, str):
        read_place(value)
    return value


class ChangesPage(TenantPath):
    """Changes behind a place."""

    after: Annotated[
        str,
        Field(
            pattern=_PLACE,
            description="The `next` of the answer before. 0: from the beginning, every message.",
        ),
        BeforeValidator(_as_place),
    ] = "0"
    limit: Annotated[int, Field(ge=1, le=500, description="How many changes at most.")] = 200


class ChangeView(ResponseModel):
    """A change of a message. Of several of one kind only the newest is told, so the message is as it is now."""

    position: str = Field(description="Its place; as `after` it asks for what follows.", examples=["1790000000000000"])
    kind: ChangeKind = Field(
        description="What was changed: `deleted` that its `deleted_at` was set or removed, `erased` that its author is "
        "forgotten and it is empty now, `attachments` and `reactions` what hangs on it. A message may be told as "
        "`created` again."
    )
    message: MessageView


class ChangesView(ResponseModel):
    """Changes in the order of their positions."""

    changes: list[ChangeView]
    next: str = Field(description="Asks, as `after`, for what follows, now or later.", examples=["1790000000000000"])
    bound: str = Field(description="Nothing can appear any more at a position up to this one; all is told at `next`.")
    has_more: bool = Field(description="Whether there is more to ask for at once; false: `next` is `bound`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCalls:
    """Serves the feed of changes."""

    db: Database
    clock: Callable[[], datetime]
    _numbering: asyncio.Lock = field(default_factory=asyncio.Lock)  # those who ask at once need one connection for it

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the call."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/changes",
                summary="Messages in the order in which they were stored or changed: whoever goes on from each `next` "
                "has, in the end, what the archive has. No change appears before a place that was already told.",
                handler=self.list_changes,
                params=ChangesPage,
                body=NoParameters,
                results={200: ChangesView},
                problems={410: "Start anew, from 0: messages were deleted, or it is another archive.", 503: _TOO_LONG},
            )
        ]

    async def list_changes(self, params: ChangesPage, _: NoParameters) -> Result:
        """Give positions to what has none yet, and show what follows a place."""
        tenant = await find_tenant(self.db, params.tenant_id)
        await self._number()
        try:
            page = await changes_after(self.db, tenant.id, read_place(params.after), params.limit)
        except StartAnew as e:
            raise Problem(410, "start_anew", _ANEW) from e
        return Result(_view(page))

    async def _number(self) -> None:
        async with self._numbering:
            for _ in range(_NUMBERED_AT_ONCE):
                if not await number_changes(self.db, self.clock()):
                    break


def _view(page: ChangePage) -> ChangesView:
    return ChangesView(
        changes=[
            ChangeView(position=str(each.place), kind=each.kind, message=message_view(each.channel, each.message))
            for each in page.changes
        ],
        next=str(page.next),
        bound=str(page.bound),
        has_more=page.has_more,
    )
