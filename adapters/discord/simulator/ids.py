"""Snowflakes, times and cheap mixing: everything in a world is a function of its seed and of these."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

DISCORD_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
DISCORD_EPOCH_MS: Final = 1_420_070_400_000
WORLD_NOW: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""When a world's history ends. Fixed, so that the same seed gives the same bytes on any day."""

TICK: Final = timedelta(seconds=1)

_MASK: Final = (1 << 64) - 1


def mix(value: int) -> int:
    """Compute one round of splitmix64: 64 well-spread bits from any integer, far cheaper than a ``Random``."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def milliseconds(moment: datetime) -> int:
    """Return the Unix milliseconds of an aware time, exactly."""
    return (moment - DISCORD_EPOCH) // timedelta(milliseconds=1) + DISCORD_EPOCH_MS


def snowflake(unix_milliseconds: int, low: int = 0) -> int:
    """Return the id that Discord would give at this time; ``low`` (22 bits) tells ids of one millisecond apart."""
    return ((unix_milliseconds - DISCORD_EPOCH_MS) << 22) | (low & 0x3FFFFF)


def time_of(snowflake_id: int) -> datetime:
    """Return the time in an id, to the millisecond."""
    return DISCORD_EPOCH + timedelta(milliseconds=snowflake_id >> 22)


def iso(moment: datetime) -> str:
    """Return a UTC time as Discord writes it."""
    return moment.isoformat()


def iso_or_none(moment: datetime | None) -> str | None:
    """Return a time that may be unset, as Discord writes it."""
    return None if moment is None else iso(moment)


class IdSource:
    """Hand out rising ids, none twice, from a clock that only moves when it is advanced.

    Where ``follow`` was called, a tick moves it to what another clock shows.
    """

    def __init__(self, start: datetime) -> None:
        self._now_ms = milliseconds(start)
        self._low = 0
        self._clock: Callable[[], datetime] | None = None

    def follow(self, clock: Callable[[], datetime]) -> None:
        """Go with this clock from now on, but never back."""
        self._clock = clock

    @property
    def now(self) -> datetime:
        """What time it is in this world."""
        return time_of(snowflake(self._now_ms))

    def advance(self, step: timedelta) -> datetime:
        """Move the clock on."""
        self._now_ms += step // timedelta(milliseconds=1)
        return self.now

    def tick(self) -> datetime:
        """Move the clock on by a second, or to what the followed clock shows, by a millisecond at least."""
        if self._clock is None:
            return self.advance(TICK)
        self._now_ms = max(self._now_ms + 1, milliseconds(self._clock()))
        return self.now

    def take(self) -> int:
        """Return an id of this very moment."""
        self._low += 1
        if self._low >= 1 << 20:
            self._low, self._now_ms = 1, self._now_ms + 1
        return snowflake(self._now_ms, self._low)
