"""The adapter against a running simulator: no waiting, and every wait noted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import Simulator
from adapters.events import PlatformEvent, TenantsReady
from adapters.health import RequestObserver
from adapters.privacy import UserHasher
from tests.support.patience import PATIENCE_SECONDS

FAST = 100_000.0  # requests a second: no pace


class Connected:
    """An adapter logged in to a simulator, its events, and how long its calls waited before they tried again."""

    def __init__(self, adapter: DiscordAdapter, waits: list[float]) -> None:
        self.adapter = adapter
        self.waits = waits
        self.events: list[PlatformEvent] = []
        self._news = asyncio.Event()

    async def record(self, event: PlatformEvent) -> None:
        """Record an event of the adapter's."""
        self.events.append(event)
        self._news.set()

    async def until(self, matches: Callable[[PlatformEvent], bool], times: int = 1) -> None:
        """Wait until so many events match."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while sum(map(matches, self.events)) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{times} such events do not come, but {self.events}") from None


def make_adapter(
    sim: Simulator,
    waits: list[float] | None = None,
    hasher: UserHasher | None = None,
    observer: RequestObserver | None = None,
    *,
    request_timeout_seconds: float = 30.0,
    identify_delay_seconds: float = 0.0,
    guild_ready_timeout_seconds: float = 0.05,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    **options: Any,
) -> DiscordAdapter:
    """An adapter of a simulator that does not really wait, or as ``sleep`` does."""

    async def note(seconds: float) -> None:
        (waits if waits is not None else []).append(seconds)

    paces = "requests_per_second", "channel_requests_per_second", "reaction_requests_per_second"
    paced = {**dict.fromkeys(paces, FAST), **options}
    return DiscordAdapter(
        token=sim.world.token,
        options=DiscordOptions.model_validate({**paced, "rest_url": sim.rest_url, "gateway_url": sim.gateway_url}),
        hasher=hasher or UserHasher(),
        observer=observer,
        guild_ready_timeout_seconds=guild_ready_timeout_seconds,
        request_timeout_seconds=request_timeout_seconds,
        identify_delay_seconds=identify_delay_seconds,
        sleep=sleep or note,
    )


@asynccontextmanager
async def connected(
    sim: Simulator, *, request_timeout_seconds: float = 30.0, **options: Any
) -> AsyncIterator[Connected]:
    """An adapter that has reported which guilds it is in."""
    waits: list[float] = []
    adapter = make_adapter(sim, waits, request_timeout_seconds=request_timeout_seconds, **options)
    link = Connected(adapter, waits)
    running = asyncio.create_task(adapter.run(link.record))
    try:
        await link.until(lambda event: isinstance(event, TenantsReady))
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
