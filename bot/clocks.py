"""A clock for ordering events that never goes back, even when the machine's clock is set back.

Times that people see are the machine's. This clock orders the listings of channels and the events that hide channels.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SteadyClock:
    """Returns another clock's time; where that is set back, continues from the last time returned."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = clock()
        self._asked_at = time.monotonic()

    def __call__(self) -> datetime:
        """Return the time, never earlier than the last one returned."""
        now, asked_at = self._clock(), time.monotonic()
        if now < self._last:
            now = self._last + timedelta(seconds=asked_at - self._asked_at)
        self._last, self._asked_at = now, asked_at
        return now
