"""A time for what has to be put in order, whatever is done to the machine's clock meanwhile.

Times that people read are the machine's; a channel's listing and the word that it was hidden are ordered by this one.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SteadyClock:
    """Give another clock's time; where that is set back, go on from the last time given."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = clock()
        self._asked_at = time.monotonic()

    def __call__(self) -> datetime:
        """Return a time that is no earlier than any before it."""
        now, asked_at = self._clock(), time.monotonic()
        if now < self._last:
            now = self._last + timedelta(seconds=asked_at - self._asked_at)
        self._last, self._asked_at = now, asked_at
        return now
