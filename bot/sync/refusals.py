"""Collect the platform's refusals until a request for the community confirms that the bot is still in it.

A bot that was removed from a community is refused everything, by the same responses as for single channels. So
nothing follows from a refusal before a request for the community, begun after it, has succeeded.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.base import PlatformSession

_CONFIRMED_SECONDS = 5.0  # the longest time for which a removed bot's job goes on

Accept = Callable[[], Awaitable[None]]
"""Applies the consequences of a refusal."""


@dataclass(slots=True)
class Refusals:
    """The refusals of one job whose consequences are pending."""

    _waiting: list[Accept] = field(default_factory=list)
    _confirmed_at: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add(self, session: PlatformSession, accept: Accept) -> None:
        """Add a refusal; request the community now, unless that was done a moment ago.

        Raises:
            TenantUnavailable: the bot is no longer in it.
        """
        self._waiting.append(accept)
        async with self._lock:
            if self._confirmed_at is None or time.monotonic() - self._confirmed_at > _CONFIRMED_SECONDS:
                await self._confirm(session)

    async def settle(self, session: PlatformSession) -> None:
        """Request the community if there are refusals, and apply their consequences.

        Raises:
            TenantUnavailable: the bot is no longer in it.
        """
        accepted, self._waiting = self._waiting, []
        if accepted:
            await self._confirm(session)
        for accept in accepted:
            await accept()

    async def _confirm(self, session: PlatformSession) -> None:
        await session.confirm_membership()
        self._confirmed_at = time.monotonic()
