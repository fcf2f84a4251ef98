"""An adapter that is connected to a simulator, with its live events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from adapters.discord.simulator import Simulator
from adapters.events import (
    ChannelRef,
    EventHandler,
    LiveEvent,
    LiveEventHandler,
    MessageCreated,
    MessageEdited,
    PlatformEvent,
    TenantJoined,
    TenantsReady,
)
from adapters.records import ChannelRecord, MessageRecord
from tests.support.adapter import Connected, make_adapter
from tests.support.small_world import GUILD, TEXT


class Listening(Connected):
    """A connected adapter, and its live events."""

    def __init__(self, sim: Simulator, **options: Any) -> None:
        self.sim = sim
        waits: list[float] = []
        super().__init__(make_adapter(sim, waits, **{"identify_delay_seconds": 0, **options}), waits)
        self.live_events: list[LiveEvent] = []
        self._marks = 0

    async def take(self) -> list[LiveEvent]:
        """The live events so far but those of new messages, once those of all that has happened must have come."""
        return [event for event in await self.take_all() if not isinstance(event, MessageCreated)]

    async def take_all(self) -> list[LiveEvent]:
        """The live events so far, once those of all that has happened must have come."""
        self._marks += 1
        guild_id = next(iter(self.sim.world.guilds))
        self.sim.change.rename_guild(guild_id, f"mark {self._marks}")
        await self.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == f"mark {self._marks}")
        taken, self.live_events[:] = list(self.live_events), []
        return taken

    async def read(self, channel_id: int, message_id: int) -> MessageRecord:
        """A message as REST gives it, without its reactions."""
        _, channel = self.sim.world.find(channel_id) or (None, None)
        parent = str(channel.parent_id) if channel and channel.is_thread else None
        page = await self.adapter.sync(
            str(channel.guild_id if channel else GUILD),
            lambda session: session.messages(str(channel_id), str(message_id - 1), parent_id=parent),
        )
        first = page.messages[0]
        assert first.platform_id == str(message_id)
        return replace(first, reaction_totals=())

    async def listed(self, guild_id: int = GUILD) -> dict[str, ChannelRecord]:
        """The channels and active threads as REST gives them."""
        records = await self.adapter.sync(str(guild_id), lambda session: session.channels())
        return {record.platform_id: record for record in records}


@asynccontextmanager
async def listening(
    sim: Simulator, first: EventHandler | None = None, on_live_event: LiveEventHandler | None = None
) -> AsyncIterator[Listening]:
    """An adapter that has reported which guilds it is in; the handlers get each event before the link does."""
    link = Listening(sim)

    async def both(event: PlatformEvent) -> None:
        if first is not None:
            await first(event)
        await link.record(event)

    def both_live(event: LiveEvent) -> None:
        if on_live_event is not None:
            on_live_event(event)
        link.live_events.append(event)

    running = asyncio.create_task(link.adapter.run(both, both_live))
    try:
        await link.until(lambda event: isinstance(event, TenantsReady))
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def at(channel_id: int = TEXT) -> ChannelRef:
    """A channel of the small guild."""
    return ChannelRef(tenant_platform_id=str(GUILD), platform_id=str(channel_id))


async def edited(link: Listening, channel_id: int, message_id: int) -> MessageEdited:
    """The event of an edit, as REST gives the message now."""
    return MessageEdited(channel=at(channel_id), message=await link.read(channel_id, message_id))
