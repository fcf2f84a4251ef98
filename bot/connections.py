"""Keep the platforms connected, each for itself."""

import logging
from collections.abc import Mapping

from adapters.base import PlatformAdapter
from adapters.errors import CredentialRefused
from adapters.events import EventHandler, LiveEventHandler
from adapters.parts import Turn

log = logging.getLogger(__name__)


class Connections:
    """The connections of this process, by platform."""

    def __init__(self, adapters: Mapping[str, PlatformAdapter], turn: Turn) -> None:
        """``turn`` is shared with other processes of the archive."""
        self._adapters = adapters
        self._turn = turn
        self._refused: set[str] = set()

    async def keep(self, platform: str, on_event: EventHandler, on_live_event: LiveEventHandler) -> None:
        """Stay connected to a platform until cancelled, or until it refuses its credential and others are left.

        Raises:
            CredentialRefused: no platform is left that has not refused its credential.
        """
        try:
            await self._adapters[platform].run(on_event, on_live_event, self._turn_of(platform))
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

    def _turn_of(self, platform: str) -> Turn:
        return lambda name, spacing_seconds: self._turn(f"{platform}:{name}", spacing_seconds)
