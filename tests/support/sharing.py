"""Processes that divide the shards of one bot, all of them in this one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from adapters.discord.simulator import Simulator
from adapters.events import LiveEvent, MessageCreated, PlatformEvent, TenantsReady, TenantsReleased
from adapters.parts import Turn, no_turn
from tests.support.listening import Listening
from tests.support.patience import comes
from tests.support.small_world import WRITER


class Turns:
    """The turns of several processes."""

    def __init__(self) -> None:
        self._locks = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._left_at: dict[str, float] = {}
        self.entered: list[str] = []

    @asynccontextmanager
    async def turn(self, name: str, spacing_seconds: float) -> AsyncIterator[None]:
        """Be in the block of that name alone, so long after it was left."""
        loop = asyncio.get_running_loop()
        async with self._locks[name]:
            await asyncio.sleep(self._left_at.get(name, 0.0) + spacing_seconds - loop.time())
            self.entered.append(name)
            try:
                yield
            finally:
                self._left_at[name] = loop.time()


class Sharing(Listening):
    """A process, and all that its adapter told, in order."""

    def __init__(self, sim: Simulator, **options: Any) -> None:
        super().__init__(sim, **{"shards": "auto", **options})
        self.told: list[PlatformEvent | LiveEvent] = []

    def hold(self, *parts: str) -> None:
        """Hold these."""
        self.adapter.hold(frozenset(parts))

    async def until_ready(self, *parts: str) -> None:
        """Wait until exactly these are ready."""
        await self.comes(lambda: self.adapter.ready_parts == set(parts), f"{parts}")

    async def comes(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        await comes(is_so, what)

    def parts(self, kind: type[TenantsReady | TenantsReleased]) -> list[str]:
        """The parts of these events, in their order."""
        return [event.part for event in self.events if isinstance(event, kind)]

    def contents(self) -> list[str]:
        """What was said in new messages, in the order of their events."""
        return [event.message.content for event in self.told if isinstance(event, MessageCreated)]


def say(sim: Simulator, guild_id: int, text: str) -> None:
    """Post in the channel of a guild of the sharded world."""
    sim.change.post(guild_id + 1, text, WRITER.id)


@asynccontextmanager
async def sharing(sim: Simulator, turn: Turn = no_turn, **options: Any) -> AsyncIterator[Sharing]:
    """Run an adapter that has asked how many shards there are."""
    process = Sharing(sim, **options)

    async def on_event(event: PlatformEvent) -> None:
        process.told.append(event)
        await process.record(event)

    running = asyncio.create_task(process.adapter.run(on_event, process.told.append, turn))
    try:
        await process.comes(lambda: process.adapter.division is not None, "the number of shards")
        yield process
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
