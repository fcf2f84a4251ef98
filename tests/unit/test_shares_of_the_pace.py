"""A share of the bot's pace holds at once, also for requests that wait already, and no change is a burst."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.discord.rest import RateLimiter
from tests.support.virtual_time import run

BOT, FAST = 40.0, 100_000.0
GAP = 1 / BOT


@asynccontextmanager
async def alone() -> AsyncIterator[None]:
    yield


class Leaving:
    """Requests of as many syncs, and when they left."""

    def __init__(self, requests: int, share: float | None = None) -> None:
        self.limiter = RateLimiter(BOT, FAST, FAST)
        if share is not None:
            self.limiter.take_share(share)
        self.times: list[float] = []
        self._requests = [asyncio.create_task(self._leave()) for _ in range(requests)]

    async def _leave(self) -> None:
        await self.limiter.acquire(None, alone())
        self.times.append(asyncio.get_running_loop().time())

    async def all(self) -> list[float]:
        """Return when they left."""
        await asyncio.gather(*self._requests)
        return self.times

    def gaps(self) -> list[float]:
        """How long after the one before each of them left."""
        return [second - first for first, second in zip(self.times, self.times[1:], strict=False)]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_requests_leave_by_the_share(share: float) -> None:
    async def test() -> None:
        leaving = Leaving(50, share)
        await leaving.all()
        assert leaving.gaps() == pytest.approx([GAP / share] * 49, rel=0.01)

    run(test)


@pytest.mark.parametrize(("before", "then"), [(0.01, 1.0), (1.0, 0.1), (0.5, 0.25)])
def test_a_change_holds_for_requests_that_wait_already(before: float, then: float) -> None:
    async def test() -> None:
        leaving = Leaving(50, before)
        await asyncio.sleep(GAP)
        so_far = len(leaving.times)
        leaving.limiter.take_share(then)
        changed_at = asyncio.get_running_loop().time()
        await leaving.all()
        behind = leaving.times[so_far:]
        assert behind[0] - changed_at == pytest.approx(GAP / then, rel=0.01)
        assert leaving.gaps()[so_far:] == pytest.approx([GAP / then] * (49 - so_far), rel=0.01)

    run(test)


def test_many_changes_are_no_burst() -> None:
    async def test() -> None:
        leaving = Leaving(60)
        for number in range(40):
            leaving.limiter.take_share((1.0, 0.9)[number % 2])
            leaving.limiter.take_share((0.9, 1.0)[number % 2])
            await asyncio.sleep(GAP * 0.7 if number % 3 else GAP * 2)
        await leaving.all()
        assert min(leaving.gaps()) > GAP * 0.99

    run(test)


def test_a_request_that_is_given_up_while_it_waits_takes_no_place() -> None:
    async def test() -> None:
        leaving = Leaving(1, 0.01)
        await leaving.all()
        given_up = asyncio.create_task(leaving.limiter.acquire(None, alone()))
        await asyncio.sleep(GAP)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        leaving.limiter.take_share(1.0)
        before = asyncio.get_running_loop().time()
        await leaving.limiter.acquire(None, alone())
        assert asyncio.get_running_loop().time() - before == pytest.approx(GAP, rel=0.01)

    run(test)
