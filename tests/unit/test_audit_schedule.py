"""When audits are begun."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.audit_schedule import is_within


@pytest.mark.parametrize(
    ("hours", "on"),
    [((2, 6), {2, 3, 4, 5}), ((22, 2), {22, 23, 0, 1}), ((0, 24), set(range(24))), ((5, 5), set())],
)
def test_audits_are_begun_between_two_hours_of_the_day(hours: tuple[int, int], on: set[int]) -> None:
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    assert {hour for hour in range(24) if is_within(hours, midnight + timedelta(hours=hour))} == on
