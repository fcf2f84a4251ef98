"""The call about the times in which changes were not received."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.api.endpoint import Endpoint, NoParameters, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.requests import GapPage
from bot.api.responses import Gap
from bot.api.tenants import find_tenant
from storage import repair
from storage.database import Database


class GapView(Gap):
    """A time in which changes were not received, and whether what was missed has been made up for."""

    state: Literal["open", "waiting", "repairing", "repaired"] = Field(
        description="It lasts (`open`), the next sync is to find out what may have changed (`waiting`), or that is "
        "being read again (`repairing`), or has been (`repaired`)."
    )
    planned_at: datetime | None = Field(description="When a sync has found out what to read again; null: not yet.")
    repaired_at: datetime | None = Field(description="When all of that had been read; null: not yet.")


class GapList(ResponseModel):
    """Gaps, those recorded last first. Repaired ones are forgotten after a while."""

    gaps: list[GapView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GapCalls:
    """Serves the gaps of a tenant."""

    db: Database

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the call."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/gaps",
                summary="When changes of a tenant were not received, why, and whether what was missed is made up for.",
                handler=self.list_gaps,
                params=GapPage,
                body=NoParameters,
                results={200: GapList},
            )
        ]

    async def list_gaps(self, params: GapPage, _: NoParameters) -> Result:
        """Show a page of the gaps."""
        tenant = await find_tenant(self.db, params.tenant_id)
        before = int(params.cursor) if params.cursor else None
        page = await repair.gaps_page(self.db, tenant.id, before=before, limit=params.limit)
        following = str(page[-1].id) if len(page) == params.limit else None
        return Result(GapList(gaps=[_view(gap) for gap in page], next_cursor=following))


def _view(gap: repair.Gap) -> GapView:
    return GapView(
        reason=gap.reason,
        began_at=gap.began_at,
        ended_at=gap.ended_at,
        state=_state(gap),
        planned_at=gap.planned_at,
        repaired_at=gap.repaired_at,
    )


def _state(gap: repair.Gap) -> Literal["open", "waiting", "repairing", "repaired"]:
    if gap.repaired_at is not None:
        return "repaired"
    if gap.planned_at is not None:
        return "repairing"
    return "open" if gap.ended_at is None else "waiting"
