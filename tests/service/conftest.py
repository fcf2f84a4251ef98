"""The adapter against a running simulator: no waiting, and every wait noted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord.gateway
import discord.http
import pytest
import yarl

from adapters.base import RequestObserver
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import Simulator
from adapters.events import PlatformEvent, TenantsReady
from adapters.privacy import UserHasher

FAST = 100_000.0  # requests a second: no pace


class Connected:
    """An adapter logged in to a simulator, what it told, and how long its calls waited before they tried again."""

    def __init__(self, adapter: DiscordAdapter, waits: list[float]) -> None:
        self.adapter = adapter
        self.waits = waits
        self.events: list[PlatformEvent] = []
        self._news = asyncio.Event()

    async def listen(self, event: PlatformEvent) -> None:
        """Note what the adapter tells."""
        self.events.append(event)
        self._news.set()

    async def until(self, happened: Callable[[PlatformEvent], bool], times: int = 1) -> None:
        """Wait until so many such events have been told."""
        async with asyncio.timeout(15):
            while sum(map(happened, self.events)) < times:
                self._news.clear()
                await self._news.wait()


Connect = Callable[[Simulator], "Awaitable[Connected]"]


@pytest.fixture
def restored_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py keeps its addresses in class attributes; give them back after the test."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    gateway = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", yarl.URL(str(gateway.DEFAULT_GATEWAY)))


def make_adapter(
    sim: Simulator,
    waits: list[float] | None = None,
    hasher: UserHasher | None = None,
    observer: RequestObserver | None = None,
    **options: object,
) -> DiscordAdapter:
    """An adapter of a simulator that does not really wait."""

    async def sleep(seconds: float) -> None:
        (waits if waits is not None else []).append(seconds)

    paced = {"requests_per_second": FAST, "channel_requests_per_second": FAST, **options}
    return DiscordAdapter(
        token=sim.world.token,
        options=DiscordOptions.model_validate({**paced, "rest_url": sim.rest_url, "gateway_url": sim.gateway_url}),
        hasher=hasher or UserHasher(),
        observer=observer,
        guild_ready_timeout_seconds=0.05,
        sleep=sleep,
    )


@asynccontextmanager
async def connected(sim: Simulator, **options: Any) -> AsyncIterator[Connected]:
    """An adapter that has told which guilds it is in."""
    waits: list[float] = []
    link = Connected(make_adapter(sim, waits, **options), waits)
    running = asyncio.create_task(link.adapter.run(link.listen))
    try:
        await link.until(lambda event: isinstance(event, TenantsReady))
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
