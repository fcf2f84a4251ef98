"""Measure how long the event loop is blocked: meanwhile no request is answered and no lease renewed."""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Awaitable, Callable

_LOOK_SECONDS = 0.025
_WINDOW_SECONDS = 600.0


class LoopWatch:
    """Keeps the longest stops of the event loop in the last ten minutes."""

    def __init__(self, now: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._now = now
        self._stops: deque[tuple[float, float]] = deque()  # time and length, in descending order of length
        self._looks: asyncio.Task[None] | None = None

    @property
    def longest_seconds(self) -> float:
        """The longest stop, too short by at most the interval of the checks."""
        self._forget()
        return self._stops[0][1] if self._stops else 0.0

    def note(self, seconds: float) -> None:
        """Record a stop that has just ended."""
        while self._stops and self._stops[-1][1] <= seconds:
            self._stops.pop()
        self._stops.append((self._now(), seconds))
        self._forget()

    async def beside(self, work: Awaitable[None]) -> None:
        """Measure the stops of the loop while a piece of work runs."""
        self._begin()
        try:
            await work
        finally:
            self._end()

    def begin_serving(self) -> None:
        """Forget what was before the program served: there was nothing else to be held up.

        What is loaded by now stays for as long as the process. A full collection need not look at it each time, which
        takes a tenth of a second and stops everything.
        """
        gc.collect()
        gc.freeze()
        self._end()
        self._stops.clear()
        self._begin()

    def _begin(self) -> None:
        self._looks = asyncio.create_task(self._look(), name="event loop")

    def _end(self) -> None:
        if self._looks is not None:
            self._looks.cancel()

    async def _look(self) -> None:
        while True:
            due = self._now() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            self.note(max(self._now() - due, 0.0))

    def _forget(self) -> None:
        while self._stops and self._stops[0][0] < self._now() - _WINDOW_SECONDS:
            self._stops.popleft()
