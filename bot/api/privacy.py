"""The calls about wishes to be forgotten: make one, follow it, list them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from adapters.base import PlatformAdapter
from bot.api.endpoint import Endpoint, NoParameters, RequestModel, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.requests import ErasureRequest, of_platforms
from bot.api.tenants import find_tenant, require_id_field
from bot.wishes import WishKeeper
from storage import privacy
from storage.database import Database
from storage.privacy import Wish

_PATIENCE = timedelta(seconds=2)
_WISH_ID = r"^[0-9a-f]{32}$"


class WishPath(RequestModel):
    """A wish's path."""

    wish_id: Annotated[
        str, Field(alias="wishId", pattern=_WISH_ID, description="A wish: its `wish_id`.", examples=["0f" * 16])
    ]


class WishView(ResponseModel):
    """A wish to be forgotten, and what it has removed so far. No later sync brings it back."""

    wish_id: str = Field(description="What to follow it by; it tells nothing of the person.")
    status: Literal["erasing", "erased", "completed"] = Field(
        description="`erased`: no row tells of them, but a reader of a SQLite file keeps its write-ahead log, which is "
        "emptied as soon as that ends."
    )
    tenant_id: str | None = Field(description="The only tenant that it is for; null: for all.")
    requested_at: datetime
    completed_at: datetime | None
    messages: int = Field(description="Messages emptied; their places stay, so that answers can be followed.")
    attachments: int
    reactions: int
    mentions: int = Field(description="Others' messages, files and channels that named, linked or repeated them.")


class WishList(ResponseModel):
    """All wishes, the oldest first."""

    wishes: list[WishView]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyCalls:
    """Serves erasures, of people that the platforms' ids name."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    hash_user: Callable[[str], str]
    wishes: WishKeeper

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="POST",
                path="/api/forgotten-users",
                summary="Remove a person's traces, in one tenant or in all, for good.",
                handler=self.forget,
                params=NoParameters,
                body=of_platforms(ErasureRequest, self.adapters, "user_id"),
                results={200: WishView, 202: WishView},
                problems={404: "There is no such tenant."},
            ),
            Endpoint(
                method="GET",
                path="/api/forgotten-users",
                summary="List the wishes to be forgotten, without saying whose they are.",
                handler=self.list,
                params=NoParameters,
                body=NoParameters,
                results={200: WishList},
            ),
            Endpoint(
                method="GET",
                path="/api/forgotten-users/{wishId}",
                summary="Show how far a wish is.",
                handler=self.show,
                params=WishPath,
                body=NoParameters,
                results={200: WishView},
                problems={404: "There is no such wish."},
            ),
        ]

    async def forget(self, _: NoParameters, erasure: ErasureRequest) -> Result:
        """Record a wish, which holds from then on and survives whatever happens, and begin with it.

        Nothing of the id is stored or logged; its hash is, or it could not be recognized again.
        """
        require_id_field(self.adapters[erasure.platform], "user_id", erasure.user_id)
        if erasure.tenant_id is not None:
            await find_tenant(self.db, erasure.tenant_id)
        wish = await self.wishes.record(self.hash_user(erasure.user_id), erasure.tenant_id)
        wish = await self.wishes.completed(wish, _PATIENCE)
        return Result(_view(wish), status=200 if wish.completed_at else 202)

    async def list(self, _: NoParameters, __: NoParameters) -> Result:
        """List all wishes."""
        return Result(WishList(wishes=[_view(wish) for wish in await privacy.list_wishes(self.db)]))

    async def show(self, path: WishPath, _: NoParameters) -> Result:
        """Show one wish."""
        for wish in await privacy.list_wishes(self.db):
            if wish.id == path.wish_id:
                return Result(_view(wish))
        raise Problem(404, "no_such_wish", f"there is no wish {path.wish_id}")


def _view(wish: Wish) -> WishView:
    return WishView(
        wish_id=wish.id,
        status="completed" if wish.completed_at else "erased" if wish.swept_at else "erasing",
        tenant_id=wish.tenant_id,
        requested_at=wish.requested_at,
        completed_at=wish.completed_at,
        **asdict(wish.removed),
    )
