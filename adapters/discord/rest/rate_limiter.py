"""A fixed pace, shared fairly: 429s are best not provoked."""

import asyncio
from contextlib import AbstractAsyncContextManager

from aiolimiter import AsyncLimiter

_PAGES, _PAGES_SECONDS = 5, 5.0  # what Discord allows of a channel's pages
_CATCH_UP, _MARGIN_SECONDS = 0.2, 0.3  # of its gap a channel makes up for, and what is left for answers' ways
_LARGEST_CHANNELS = 10_000  # whose next request has a time before which it may not leave


class RateLimiter:
    """Space requests by a fixed pace from the configuration.

    None of Discord's limits is tracked: the pace stays far below them.
    """

    def __init__(
        self, requests_per_second: float, channel_requests_per_second: float, reaction_requests_per_second: float
    ) -> None:
        """Take the paces: of all requests, of a channel's, and of those for a channel's lists of who reacted."""
        self._requests_per_second = requests_per_second
        self._share = 1.0
        self._bot_limiter = AsyncLimiter(1, 1 / requests_per_second)
        self._is_fresh = False  # whether no request has left by this pace yet
        self._queue: set[asyncio.Timeout] = set()  # of the requests that wait for their turn by the bot's pace
        self._gap_seconds = {False: 1 / channel_requests_per_second, True: 1 / reaction_requests_per_second}
        spare = _PAGES / channel_requests_per_second - _PAGES_SECONDS - _MARGIN_SECONDS
        pages, lists = self._gap_seconds.values()
        self._catch_up_seconds = {False: max(0.0, min(pages * _CATCH_UP, spare)), True: lists * _CATCH_UP}
        self._not_before: dict[tuple[str, bool], float] = {}  # on the event loop's clock

    def take_share(self, share: float) -> None:
        """Let this share of the bot's requests leave here, from the next one on: also those that wait already.

        The first one leaves a gap after this, so that many changes are no burst. The paces of channels stay.
        """
        if share == self._share:
            return
        self._share = share
        self._bot_limiter, self._is_fresh = AsyncLimiter(1, 1 / (self._requests_per_second * share)), True
        waits, self._queue = self._queue, set()
        for wait in waits:
            wait.reschedule(asyncio.get_running_loop().time())

    async def acquire(
        self, channel_id: str | None, queue_lock: AbstractAsyncContextManager[None], *, for_reactions: bool = False
    ) -> None:
        """Return when the next request may leave. Not to be called twice at once for one channel and kind.

        Args:
            channel_id: None: only the pace of all requests holds.
            queue_lock: belongs to one sync: only one request of a sync stands in the bot's queue at a time, so that
                the requests of large and small syncs alternate.
            for_reactions: whether it lists who reacted, which has a bucket of its own at the platform.
        """
        loop = asyncio.get_running_loop()
        if channel_id is None:
            await self._acquire_bot(queue_lock)
            return
        key, gap = (channel_id, for_reactions), self._gap_seconds[for_reactions]
        due = self._not_before.get(key, 0.0)
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        await self._acquire_bot(queue_lock)
        # Spaced from when it really leaves, but for a little: waiting must not bunch a channel's requests.
        now = loop.time()
        if len(self._not_before) >= _LARGEST_CHANNELS:
            self._not_before = {known: when for known, when in self._not_before.items() if when > now}
        self._not_before[key] = max(due, now - self._catch_up_seconds[for_reactions]) + gap

    async def _acquire_bot(self, queue_lock: AbstractAsyncContextManager[None]) -> None:
        async with queue_lock:
            while not await self._is_admitted():
                pass  # the pace has changed meanwhile

    async def _is_admitted(self) -> bool:
        try:
            async with asyncio.timeout(None) as wait:
                self._queue.add(wait)
                if self._is_fresh:
                    self._is_fresh = False
                    await self._bot_limiter.acquire()
                await self._bot_limiter.acquire()
        except TimeoutError:
            return False
        finally:
            self._queue.discard(wait)
        return True
