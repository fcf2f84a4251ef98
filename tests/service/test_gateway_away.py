"""While a platform tells nothing, what is stored is judged by listings, and what these cost follows from the time."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.base import PlatformSession
from adapters.records import ChannelRecord
from tests.support.archive import archived
from tests.support.delivering import delivering
from tests.support.post_office import Counter, PostOffice

T = TypeVar("T")

AWAY_SECONDS = 1.0


class SessionWithoutGateway(Counter):
    """Hears nothing for a second, once the first list of users is asked for."""

    _office: "OfficeWithoutGateway"

    @property
    def receives_changes(self) -> bool:  # type: ignore[override] # a constant there
        return self._office.away_until < time.monotonic()

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        self._office.listings += 1
        return await super().channels(only_channels=only_channels)


class OfficeWithoutGateway(PostOffice):
    def __init__(self, letters: int) -> None:
        super().__init__(letters)
        self.listings = 0
        self.away_until = 0.0

    async def sync(
        self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]], on_rate_limit: object = None
    ) -> T:
        return await body(SessionWithoutGateway(self))


@pytest.mark.slow
async def test_many_lists_of_users_do_not_each_cost_a_listing_while_the_gateway_is_away(tmp_path: Path) -> None:
    url, office = f"sqlite+aiosqlite:///{tmp_path}/archive.db", OfficeWithoutGateway(1_000)

    async def stop_heartbeats(_: str | None) -> None:
        office.away_until = office.away_until or time.monotonic() + AWAY_SECONDS

    office.before_reactions = stop_heartbeats
    async with delivering(url, {"post": office}) as daemon:
        (job,) = await daemon.idle()
    assert job["status"] == "succeeded"
    assert len(archived(url, "reactions", "T0VILLAGE")) == 2 * 100
    assert 2 <= office.listings <= 1 + 5
