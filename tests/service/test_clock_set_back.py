"""A channel that is hidden while it is listed stays hidden, though the clock is set back in between."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.base import PlatformSession
from adapters.events import ChannelChanged
from adapters.records import ChannelRecord, SkipReason
from tests.support.archive import archived
from tests.support.daemon import Clock
from tests.support.delivering import delivering
from tests.support.patience import PATIENCE_SECONDS
from tests.support.post_office import VILLAGE, Counter, PostOffice, box

T = TypeVar("T")


class HiddenMeanwhile(Counter):
    """Tells, when it has just listed the boxes, that one is private now."""

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        listed = await super().channels(only_channels=only_channels)
        await self._office.before_page(None)
        return listed


class HidingOffice(PostOffice):
    async def sync(
        self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]], on_rate_limit: object = None
    ) -> T:
        return await body(HiddenMeanwhile(self))


@pytest.mark.slow
async def test_a_channel_hidden_while_it_is_listed_stays_hidden_though_the_clock_is_set_back(tmp_path: Path) -> None:
    url, clock, office = f"sqlite+aiosqlite:///{tmp_path}/archive.db", Clock(), HidingOffice(5)

    async def hide(_: str | None) -> None:
        clock.ahead -= timedelta(hours=1)
        assert office.tell_live is not None
        hidden = box("C0OPEN", SkipReason.NOT_PUBLIC, "5")
        office.tell_live(ChannelChanged(tenant_platform_id=VILLAGE.platform_id, record=hidden))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not archived(url, "channels", "T0VILLAGE"):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.02)

    office.before_page = hide
    async with delivering(url, {"post": office}, clock=clock) as daemon:
        await daemon.idle()
        (row,) = [c for c in (await daemon.get("/api/tenants/post-T0VILLAGE/channels"))["channels"] if "OPEN" in str(c)]
        assert row["skip_reason"] == "not_public"
        assert office.asked_after == []
