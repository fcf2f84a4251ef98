"""A month as a grid of days, of which those lead somewhere on which something was written."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

YEARS = range(1900, 2100)
"""The years whose months are shown."""

_MONDAY_FIRST = calendar.Calendar(firstweekday=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day of the grid, with how many messages were sent on it; of another month: no day."""

    day: date | None
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of a channel; the months before and after it as ``2026-11``, None beyond the channel's messages."""

    first: date
    weeks: Sequence[Sequence[CalendarDay]]
    before: str | None
    after: str | None

    @property
    def name(self) -> str:
        """Its name with its year."""
        return f"{self.first:%B %Y}"


def month_of(first: date, counts: Mapping[date, int], *, oldest: date | None, newest: date | None) -> Month:
    """Lay out the month that begins with a day.

    Args:
        first: the first day of the month.
        counts: how many messages were sent on each of its days that has any.
        oldest: the day of the channel's first message; None: it has none.
        newest: the day of its newest one.
    """
    weeks = [
        [CalendarDay(day=day, messages=counts.get(day, 0)) if day.month == first.month else CalendarDay(day=None)
         for day in week]
        for week in _MONDAY_FIRST.monthdatescalendar(first.year, first.month)
    ]  # fmt: skip
    before, after = _shifted(first, -1), _shifted(first, 1)
    return Month(
        first=first,
        weeks=weeks,
        before=f"{before:%Y-%m}" if before and oldest and first > oldest else None,
        after=f"{after:%Y-%m}" if after and newest and after <= newest else None,
    )


def _shifted(first: date, months: int) -> date | None:
    """Return the first day of a month that is so many months away; None outside of the years that are shown."""
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1) if month // 12 in YEARS else None
