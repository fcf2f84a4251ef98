"""Deliver the events of communities to the handler, one by one in their order; note which sessions it has handled."""

import asyncio
import logging
from typing import NoReturn

from adapters.discord.gateway.shard import Shard
from adapters.events import EventHandler, PlatformEvent

log = logging.getLogger(__name__)


class Delivery:
    """The events that the handler has yet to be called with."""

    def __init__(self, on_event: EventHandler) -> None:
        self._on_event = on_event
        self._events: asyncio.Queue[tuple[PlatformEvent, Shard | None]] = asyncio.Queue()

    def put(self, event: PlatformEvent, shard: Shard | None = None) -> None:
        """Add an event; with the shard whose session it announces."""
        self._events.put_nowait((event, shard))

    async def run(self) -> NoReturn:
        """Call the handler until cancelled."""
        while True:
            event, shard = await self._events.get()
            session = shard.sessions if shard else 0
            try:
                await self._on_event(event)
            except Exception:  # a failure of the handler must not stop the events behind this one
                log.exception("handling a gateway event failed", extra={"gateway_event": type(event).__name__})
            if shard is not None:
                shard.announced_session = session
