"""The month of a channel: its days in weeks, and where it goes on."""

from datetime import date

import pytest

from bot.pages.calendar import YEARS, month_of


def test_a_month_has_its_days_in_weeks_from_monday_on() -> None:
    month = month_of(date(2026, 11, 1), {date(2026, 11, 23): 7}, oldest=date(2026, 10, 31), newest=date(2026, 12, 1))
    assert (month.name, month.before, month.after) == ("November 2026", "2026-10", "2026-12")
    days = [each.day for week in month.weeks for each in week]
    assert days[:7] == [None] * 6 + [date(2026, 11, 1)]
    assert [each.messages for week in month.weeks for each in week if each.messages] == [7]


@pytest.mark.parametrize(("oldest", "newest"), [(None, None), (1, 30), (29, 2)])
def test_nothing_leads_beyond_the_messages(oldest: int | None, newest: int | None) -> None:
    days = [date(2026, 11, day) if day else None for day in (oldest, newest)]
    month = month_of(date(2026, 11, 1), {}, oldest=days[0], newest=days[1])
    assert (month.before, month.after) == (None, None)


@pytest.mark.parametrize("first", [date(1900, 1, 1), date(2099, 12, 1)])
def test_the_years_have_ends(first: date) -> None:
    month = month_of(first, {}, oldest=date(1, 1, 1), newest=date.max)
    assert (month.before is None) == (first.year == YEARS[0])
    assert (month.after is None) == (first.year == YEARS[-1])
