"""Answers over which the library stumbles: failed calls, like any other broken answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from adapters.discord.rest import RateLimiter, RestClient
from adapters.errors import CallFailed

SLIPS = [
    KeyError("X-RateLimit-Reset"),  # where X-RateLimit-Remaining is 0 and nothing says until when
    ValueError("could not convert string to float: 'soon'"),
    OverflowError("timestamp out of range"),
    TypeError("'NoneType' object is not subscriptable"),
]


async def no_pause(_: float) -> None: ...


def failing(slip: Exception, times: int) -> tuple[Callable[[], Any], list[int]]:
    calls: list[int] = []

    async def send() -> list[str]:
        calls.append(1)
        if len(calls) <= times:
            raise slip
        return ["answer"]

    return send, calls


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: type(slip).__name__)
async def test_it_is_tried_again(slip: Exception) -> None:
    client = RestClient(RateLimiter(1_000, 1_000, 1_000), no_pause)
    send, calls = failing(slip, 2)
    assert await asyncio.gather(client.call(send, list), return_exceptions=True) == [["answer"]]
    assert len(calls) == 3


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: type(slip).__name__)
async def test_and_then_given_up_as_a_failed_call(slip: Exception) -> None:
    client = RestClient(RateLimiter(1_000, 1_000, 1_000), no_pause)
    send, _ = failing(slip, 99)
    (failed,) = await asyncio.gather(client.call(send, list), return_exceptions=True)
    assert isinstance(failed, CallFailed)
    assert type(slip).__name__ in str(failed)
    assert failed.attempts == 4
