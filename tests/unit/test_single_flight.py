"""Of what may hang there is one call at a time: whoever comes meanwhile waits for the same answer, and none is old."""

import asyncio

from bot.concurrency import SingleFlight


class Source:
    """What answers when it is let, and counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_answer = asyncio.Event()

    async def call(self) -> int:
        self.calls += 1
        mine = self.calls
        await self.may_answer.wait()
        return mine


async def answer(flight: SingleFlight[int], seconds: float = 60.0) -> int | None:
    ended = await flight.answer(seconds)
    return None if ended is None else ended.result()


async def test_those_who_wait_get_one_answer() -> None:
    source = Source()
    flight = SingleFlight(source.call, "a question")
    assert [await answer(flight, 0.0) for _ in range(3)] == [None] * 3
    waiting = [asyncio.create_task(answer(flight)) for _ in range(2)]
    await asyncio.sleep(0)
    source.may_answer.set()
    assert await asyncio.gather(*waiting) == [1, 1]
    assert source.calls == 1


async def test_an_answer_that_nobody_waited_for_is_not_the_next_ones() -> None:
    source = Source()
    flight = SingleFlight(source.call, "a question")
    assert await answer(flight, 0.0) is None
    source.may_answer.set()
    for _ in range(3):
        await asyncio.sleep(0)
    source.may_answer.clear()
    assert await answer(flight, 0.0) is None
    assert source.calls == 2


async def test_what_never_answers_is_given_up() -> None:
    source = Source()
    flight = SingleFlight(source.call, "a question", give_up_seconds=-1.0)
    waiting = asyncio.create_task(answer(flight))
    await asyncio.sleep(0)
    assert await answer(flight, 0.0) is None
    assert await waiting is None, "whoever waited for it is not cancelled with it"
    source.may_answer.set()
    assert await answer(flight) is not None
