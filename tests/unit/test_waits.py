"""How long a platform can make us wait: as it says, within reason, whatever it says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.discord.gateway.identify import IdentifyGate
from adapters.discord.gateway.waits import Waits
from adapters.discord.rest.errors import rate_limit
from adapters.errors import RateLimited

DAY = 86_400.0
MINUTE = 60.0  # where nothing is said that makes sense


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        ("0", 0.0),
        ("1e10", DAY),
        ("1e12", DAY),
        ("1e400", DAY),
        ("inf", DAY),
        ("-inf", MINUTE),
        ("nan", MINUTE),
        ("-1", MINUTE),
        ("", MINUTE),
        ("soon", MINUTE),
        ("9" * 5_000, DAY),
        ("Wed, 21 Oct 2015 07:28:00 GMT", MINUTE),  # over
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Fri, 31 Dec 9999 23:59:59 -2359", MINUTE),  # no date at all: it lies beyond the calendar
    ],
)
def test_what_is_said_of_a_wait_is_bounded(said: str, seconds: float) -> None:
    limit = rate_limit({"Retry-After": said, "Via": "1.1 google"})
    assert limit.retry_after_seconds == pytest.approx(seconds)
    assert datetime.now(UTC) + timedelta(seconds=limit.retry_after_seconds) < datetime.max.replace(tzinfo=UTC)


def test_a_date_is_a_wait_until_then() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    assert rate_limit({"Retry-After": at}).retry_after_seconds == pytest.approx(300, abs=30)


@pytest.mark.parametrize("said", [1e12, float("inf"), float("nan"), -5.0])
def test_whoever_makes_the_error_it_is_bounded(said: float) -> None:
    assert 0 <= RateLimited(retry_after_seconds=said, scope="user").retry_after_seconds <= DAY


async def test_the_session_starts_left_are_looked_up_after_every_other_wait() -> None:
    remaining, reset_waits = [100], list[float]()

    async def ask() -> dict[str, Any]:
        return {"shards": 1, "session_start_limit": {"remaining": remaining[0], "reset_after": 7_000_000}}

    async def sleep(seconds: float) -> None:
        if seconds > 100:  # others begin sessions of this bot meanwhile, or the day is over
            reset_waits.append(seconds)
            remaining[0] = 100 if len(reset_waits) == 2 else 0

    gate = IdentifyGate(ask, Waits(sleep), spacing_seconds=0.001)
    for _ in range(61):  # one more than may begin in quick succession
        async with gate.admitted(0):
            assert remaining[0]
    assert reset_waits == [pytest.approx(240, abs=1), 7_000]
