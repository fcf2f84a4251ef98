"""Keeps what the platform refused until the community itself was asked for.

A bot that was removed from a community is refused everything, in the words in which single channels are refused. So
nothing follows from a refusal before a request for the community, begun after it, has been answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.base import PlatformSession

_CONFIRMED_SECONDS = 5.0  # a removed bot is refused this long at most before the job ends

Accept = Callable[[], Awaitable[None]]
"""Does what follows from a refusal."""


@dataclass(slots=True)
class Refusals:
    """The refusals of one job that nothing has followed from yet."""

    _waiting: list[Accept] = field(default_factory=list)
    _confirmed_at: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add(self, session: PlatformSession, accept: Accept) -> None:
        """Keep a refusal; ask for the community now, unless that was done just before.

        Raises:
            TenantUnavailable: the bot is not in it any more.
        """
        self._waiting.append(accept)
        async with self._lock:
            if self._confirmed_at is None or time.monotonic() - self._confirmed_at > _CONFIRMED_SECONDS:
                await self._confirm(session)

    async def settle(self, session: PlatformSession) -> None:
        """Ask for the community, where there are refusals, and let what follows from them be done.

        Raises:
            TenantUnavailable: the bot is not in it any more.
        """
        accepted, self._waiting = self._waiting, []
        if accepted:
            await self._confirm(session)
        for accept in accepted:
            await accept()

    async def _confirm(self, session: PlatformSession) -> None:
        await session.confirm_membership()
        self._confirmed_at = time.monotonic()
