"""When audits are begun."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.tenancy import AuditSchedule


@pytest.mark.parametrize(
    ("hours", "on"),
    [((2, 6), {2, 3, 4, 5}), ((22, 2), {22, 23, 0, 1}), ((0, 24), set(range(24))), ((5, 5), set())],
)
def test_audits_are_begun_between_two_hours_of_the_day(hours: tuple[int, int], on: set[int]) -> None:
    schedule = AuditSchedule(interval=timedelta(days=30), hours=hours)
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    assert {hour for hour in range(24) if schedule.is_on(midnight + timedelta(hours=hour))} == on
