"""Which of the clock's words the removal of content follows: those that have stood for an hour.

What the clock says counts once it is an hour old and no earlier time has denied it since. So a clock that jumps into
the future for a moment removes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Readings:
    """What the clock said at two looks at it."""

    observed_at: datetime
    trusted_at: datetime | None


def next_readings(known: Readings, now: datetime) -> Readings:
    """Look at the clock again."""
    if now < known.observed_at:  # it was set back: the last reading was wrong, or this one is
        return Readings(now, known.trusted_at)
    if now - known.observed_at < PATIENCE:
        return known
    return Readings(now, known.observed_at)
