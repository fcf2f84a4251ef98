"""Keep the platforms connected: each for itself, and only where this process may be."""

import asyncio
import logging
from collections.abc import Mapping

from adapters.base import Hearing, PlatformAdapter
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

        Where each event goes to one connection alone, only the process that writes the platform's events connects:
        others would take them from it.

        Raises:
            CredentialRefused: no platform is left that has not refused its credential.
        """
        adapter = self._adapters[platform]
        try:
            if adapter.hearing is Hearing.EVERY:
                await adapter.run(on_event, on_live_event)
            else:
                await self._keep_while_leading(platform, on_event, on_live_event)
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

    async def _keep_while_leading(self, platform: str, on_event: EventHandler, on_live_event: LiveEventHandler) -> None:
        self._following.stand_by(platform)
        while True:
            await self._following.wait_to_lead(platform)
            running = asyncio.create_task(self._adapters[platform].run(on_event, on_live_event))
            try:
                while platform in self._following.led and not running.done():
                    await asyncio.wait({running}, timeout=_LOOK_SECONDS)
                if running.done():
                    return running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            log.warning("another process is connected to the platform now", extra={"platform": platform})
