"""The clock by which things are put in order goes with another one, but never back."""

from datetime import timedelta

from bot.clocks import SteadyClock
from tests.support.builders import HOUR, NOW, SECOND


def test_it_follows_a_clock_that_goes_ahead_and_goes_on_where_it_is_set_back() -> None:
    times = [NOW, NOW + SECOND, NOW - HOUR, NOW - HOUR, NOW + 2 * SECOND + HOUR, NOW + HOUR, NOW + 2 * HOUR]
    given = iter([NOW, *times])
    steady = SteadyClock(lambda: next(given))
    found = [steady() for _ in times]
    assert found == sorted(found)
    assert found[:2] == times[:2]
    assert found[2] - found[1] < timedelta(minutes=1)
    assert (found[4], found[6]) == (times[4], times[6])
