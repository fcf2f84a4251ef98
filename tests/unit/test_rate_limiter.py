"""The pace of requests: a little is made up for where they were late, and Discord's limits are never reached."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from random import Random

import pytest

from adapters.discord.rest import RateLimiter
from tests.support.virtual_time import run

PAGES = 50
BOT, CHANNEL, REACTIONS = 40.0, 0.9, 4.0


@asynccontextmanager
async def alone() -> AsyncIterator[None]:
    yield


async def leave(limiter: RateLimiter, channel: str, work: Sequence[float]) -> list[float]:
    """When a channel's pages are requested; what is done with each takes one of these times, in turn."""
    loop, times = asyncio.get_running_loop(), list[float]()
    for seconds in islice(cycle(work), PAGES):
        await limiter.acquire(channel, alone())
        times.append(loop.time())
        await asyncio.sleep(seconds)
    return times


def test_a_channel_that_is_late_for_once_keeps_its_pace() -> None:
    times = run(lambda: leave(RateLimiter(BOT, CHANNEL, REACTIONS), "1", (1.3, 0.1)))
    assert times[-1] - times[0] == pytest.approx((PAGES - 1) / CHANNEL, abs=0.3)


def test_however_late_five_pages_in_five_seconds_are_never_exceeded() -> None:
    chance = Random(1)
    late = [chance.choice((0.05, 1.1, 1.2, 1.3, chance.uniform(0, 6))) for _ in range(PAGES)]
    times = run(lambda: leave(RateLimiter(BOT, CHANNEL, REACTIONS), "1", late))
    assert min(sixth - first for first, sixth in zip(times, times[5:], strict=False)) > 5.2


def test_a_pace_near_the_limit_makes_up_for_nothing() -> None:
    times = run(lambda: leave(RateLimiter(BOT, 1.0, REACTIONS), "1", (1.3, 0.1)))
    assert min(sixth - first for first, sixth in zip(times, times[5:], strict=False)) >= 5.0
