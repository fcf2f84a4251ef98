"""A fixed pace, shared fairly: 429s are best not provoked."""

import asyncio
from contextlib import AbstractAsyncContextManager

from aiolimiter import AsyncLimiter

_SPACED_CHANNELS = 10_000  # channels whose last request is remembered


class RateLimiter:
    """A fixed pace from the configuration: we track none of Discord's limits, we just never come near them."""

    def __init__(self, requests_per_second: float, channel_requests_per_second: float) -> None:
        self._everywhere = AsyncLimiter(1, 1 / requests_per_second)
        self._channel_gap = 1 / channel_requests_per_second
        self._free_at: dict[str, float] = {}

    async def wait(self, channel_id: str | None, turn: AbstractAsyncContextManager[None]) -> None:
        """Return when the next request may leave. Not to be called twice at once for one channel.

        ``turn`` is the sync's own lock: only one request of a sync stands in the bot's queue at a time, so that syncs
        of all sizes take turns.
        """
        loop = asyncio.get_running_loop()
        if channel_id is None:
            await self._bots_turn(turn)
            return
        delay = self._free_at.get(channel_id, 0.0) - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        await self._bots_turn(turn)
        # Spaced from when it really leaves: waiting for the whole bot's turn must not bunch a channel's requests.
        now = loop.time()
        if len(self._free_at) >= _SPACED_CHANNELS:
            self._free_at = {channel: free_at for channel, free_at in self._free_at.items() if free_at > now}
        self._free_at[channel_id] = now + self._channel_gap

    async def _bots_turn(self, turn: AbstractAsyncContextManager[None]) -> None:
        async with turn:
            await self._everywhere.acquire()
