"""Keep the platforms connected: each for itself, and only where this process may be."""

import asyncio
import logging
from collections.abc import Mapping
from typing import NoReturn

from adapters.base import PlatformAdapter
from adapters.errors import CredentialRefused
from adapters.events import EventHandler, LiveEventHandler
from bot.live import LiveWriter

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5


class Connections:
    """The connections of this process, by platform."""

    def __init__(self, adapters: Mapping[str, PlatformAdapter], live: LiveWriter) -> None:
        self._adapters = adapters
        self._following = live.following
        self._refused: set[str] = set()

    async def keep(self, platform: str, on_event: EventHandler, on_live_event: LiveEventHandler) -> None:
        """Stay connected to a platform until cancelled, or until it refuses its credential and others are left.

        Where processes divide the parts of the connection, the one that writes the platform's events holds them all.

        Raises:
            CredentialRefused: no platform is left that has not refused its credential.
        """
        adapter = self._adapters[platform]
        try:
            if adapter.shares_parts:
                self._following.stand_by(platform)
                holding = asyncio.create_task(self._hold_while_leading(platform, adapter))
                try:
                    await adapter.run(on_event, on_live_event)
                finally:
                    holding.cancel()
            else:
                await adapter.run(on_event, on_live_event)
        except CredentialRefused as e:
            self.refuse(platform, e)

    def refuse(self, platform: str, error: CredentialRefused) -> None:
        """Note that a platform refuses its credential; its adapter says so from then on.

        Raises:
            CredentialRefused: no other platform is left.
        """
        self._refused.add(platform)
        if self._refused >= self._adapters.keys():
            raise error
        facts = {"platform": platform, "error": str(error), "remedy": error.remedy}
        log.error("a platform refuses its credential: the others go on", extra=facts)

    async def _hold_while_leading(self, platform: str, adapter: PlatformAdapter) -> NoReturn:
        while True:
            division = adapter.division
            parts = frozenset(division.parts if division and platform in self._following.led else ())
            if parts != adapter.held:
                log.info("parts of the connection are held", extra={"platform": platform, "parts": len(parts)})
                adapter.hold(parts)
            await asyncio.sleep(_LOOK_SECONDS)
