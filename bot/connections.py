"""Keep the platforms connected, each for itself."""

import asyncio
import logging
import time
from collections.abc import Mapping

from adapters.base import PlatformAdapter
from adapters.errors import CredentialRefused
from adapters.events import EventHandler, LiveEventHandler
from adapters.parts import Turn

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0


class Connections:
    """The connections of this process, by platform."""

    def __init__(self, adapters: Mapping[str, PlatformAdapter], turn: Turn) -> None:
        """``turn`` is shared with other processes of the archive."""
        self._adapters = adapters
        self._turn = turn
        self._refused: set[str] = set()

    async def keep(self, platform: str, on_event: EventHandler, on_live_event: LiveEventHandler) -> None:
        """Stay connected to a platform until cancelled, or until it refuses its credential and others are left.

        A connection that fails by a fault of the program begins anew while there are other platforms, which go on.

        Raises:
            CredentialRefused: no platform is left that has not refused its credential.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._adapters[platform].run(on_event, on_live_event, self._turn_of(platform))
                return
            except CredentialRefused as e:
                self.refuse(platform, e)
                return
            except Exception:
                if self._refused | {platform} >= self._adapters.keys():
                    raise
                log.exception("a platform's connection failed by a fault of the program", extra={"platform": platform})
                if platform in self._refused:
                    return
            await asyncio.sleep(pause)
            is_steady = time.monotonic() - began > 2 * _LONGEST_PAUSE_SECONDS
            pause = _FIRST_PAUSE_SECONDS if is_steady else min(2 * pause, _LONGEST_PAUSE_SECONDS)

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

    def _turn_of(self, platform: str) -> Turn:
        return lambda name, spacing_seconds: self._turn(f"{platform}:{name}", spacing_seconds)
