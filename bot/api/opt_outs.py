"""API calls for opt-outs: begin one, list them, show one, end them."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.api.endpoint import Endpoint, NoParameters, RequestModel, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.privacy import CallsAboutPeople, RemovalView, next_cursor_of
from bot.api.problems import Problem
from bot.api.requests import NewOptOut, OptIn, RequestPage, of_platforms
from storage import privacy
from storage.privacy import OptedOutEverywhere, OptOut

_PATIENCE = timedelta(seconds=2)
_OPT_OUT_ID = r"^[0-9a-f]{32}$"


class OptOutPath(RequestModel):
    """An opt-out's path."""

    opt_out_id: Annotated[
        str, Field(alias="optOutId", pattern=_OPT_OUT_ID, description="Its `opt_out_id`.", examples=["0f" * 16])
    ]


class OptOutView(RemovalView):
    """An opt-out: nothing of what the person writes or gives in its time is stored, and no later sync restores it."""

    opt_out_id: str = Field(description="Its id; it reveals nothing of the person.")
    status: Literal["holds", "ended"]
    requested_at: datetime
    withheld_from: datetime | None = Field(
        description="From when on, a minute before it was requested, as clocks differ; null: also all before."
    )
    withheld_until: datetime | None = Field(description="Until when, a minute after they opted in; null: it holds.")
    completed_at: datetime | None = Field(
        description="When what was stored of its time already was removed; null: that is still going on."
    )


class OptOutList(ResponseModel):
    """Opt-outs, the oldest first."""

    opt_outs: list[OptOutView]


class OptOutPage(OptOutList):
    """A page of the opt-outs, the oldest first."""

    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


class OptOutCalls(CallsAboutPeople):
    """Serves opt-outs."""

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="POST",
                path="/api/opt-outs",
                summary="Store nothing more of what a person writes or gives, in one tenant or in all.",
                handler=self.opt_out,
                params=NoParameters,
                body=of_platforms(NewOptOut, self.adapters, "user_id"),
                results={200: OptOutView, 202: OptOutView},
                problems={404: "There is no such tenant."},
            ),
            Endpoint(
                method="GET",
                path="/api/opt-outs",
                summary="List the opt-outs, also the ended ones, without the people's ids.",
                handler=self.list_opt_outs,
                params=RequestPage,
                body=NoParameters,
                results={200: OptOutPage},
            ),
            Endpoint(
                method="GET",
                path="/api/opt-outs/{optOutId}",
                summary="Show an opt-out.",
                handler=self.show_opt_out,
                params=OptOutPath,
                body=NoParameters,
                results={200: OptOutView},
                problems={404: "There is no such opt-out."},
            ),
            Endpoint(
                method="DELETE",
                path="/api/opt-outs/{optOutId}",
                summary="End an opt-out; what was written in its time stays withheld.",
                handler=self.end_opt_out,
                params=OptOutPath,
                body=NoParameters,
                results={200: OptOutView},
                problems={404: "There is no such opt-out."},
            ),
            Endpoint(
                method="POST",
                path="/api/opt-ins",
                summary="End a person's opt-outs, as the person asks; answers with those that ended now.",
                handler=self.opt_in,
                params=NoParameters,
                body=of_platforms(OptIn, self.adapters, "user_id"),
                results={200: OptOutList},
                problems={404: "There is no such tenant.", 409: "The person has opted out of all tenants."},
            ),
        ]

    async def opt_out(self, _: NoParameters, wanted: NewOptOut) -> Result:
        """Record an opt-out durably, and begin to remove what came in meanwhile."""
        person = await self.person_of(wanted)
        opted_out = await self.erasures.opt_out(person, wanted.tenant_id, erase=wanted.erase)
        opted_out = await self.erasures.completed(opted_out, _PATIENCE)
        return Result(_view(opted_out), status=200 if opted_out.completed_at else 202)

    async def list_opt_outs(self, page: RequestPage, _: NoParameters) -> Result:
        """List the opt-outs."""
        found = await privacy.list_opt_outs(self.db, offset=int(page.cursor or 0), limit=page.limit)
        return Result(OptOutPage(opt_outs=list(map(_view, found)), next_cursor=next_cursor_of(page, len(found))))

    async def show_opt_out(self, path: OptOutPath, _: NoParameters) -> Result:
        """Show one opt-out."""
        return Result(_view(await self._find(path.opt_out_id)))

    async def end_opt_out(self, path: OptOutPath, _: NoParameters) -> Result:
        """End one opt-out; others of the person stay."""
        return Result(_view(await self.erasures.end_opt_out(await self._find(path.opt_out_id))))

    async def opt_in(self, _: NoParameters, wanted: OptIn) -> Result:
        """End the opt-out of a tenant, or all of the person's."""
        person = await self.person_of(wanted)
        try:
            ended = await self.erasures.opt_in(person, wanted.tenant_id)
        except OptedOutEverywhere as e:
            raise Problem(409, e.code, f"{e} {e.remedy}") from None
        return Result(OptOutList(opt_outs=[_view(each) for each in ended]))

    async def _find(self, opt_out_id: str) -> OptOut:
        for each in await privacy.list_opt_outs(self.db):
            if each.id == opt_out_id:
                return each
        raise Problem(404, "no_such_opt_out", f"there is no opt-out {opt_out_id}")


def _view(opted_out: OptOut) -> OptOutView:
    return OptOutView(
        opt_out_id=opted_out.id,
        status="ended" if opted_out.withheld_until else "holds",
        tenant_id=opted_out.tenant_id,
        requested_at=opted_out.requested_at,
        withheld_from=opted_out.withheld_from,
        withheld_until=opted_out.withheld_until,
        completed_at=opted_out.completed_at,
        **asdict(opted_out.removed),
    )
