"""The pace is fixed: so many requests a second in all, and of one channel."""

from contextlib import nullcontext
from time import monotonic

import pytest

from adapters.discord.rest import RateLimiter


@pytest.mark.parametrize(("everywhere", "of_a_channel"), [(20.0, 10_000.0), (10_000.0, 20.0)])
async def test_requests_leave_no_faster_than_configured(everywhere: float, of_a_channel: float) -> None:
    pace = RateLimiter(everywhere, of_a_channel)
    began = monotonic()
    for _ in range(5):
        await pace.wait("1", nullcontext())
    assert monotonic() - began >= 4 / 20 - 0.02, "five requests left in less than four twentieths of a second"
