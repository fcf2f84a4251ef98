"""Run long work on the event loop in slices, so that other tasks run in between."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

SLICE_SECONDS = 0.01


class Slices:
    """Times one piece of long work, which yields every ten milliseconds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + SLICE_SECONDS

    @property
    def is_used_up(self) -> bool:
        """Whether it is time to yield."""
        return self._loop.time() >= self._until

    async def give_way(self) -> None:
        """Yield to the event loop if the slice is used up; to be called often."""
        if self.is_used_up:
            await asyncio.sleep(0)
            self._until = self._loop.time() + SLICE_SECONDS


async def in_slices(items: Iterable[T], act: Callable[[T], R]) -> list[R]:
    """Apply a function to each item, yielding to the event loop in between."""
    slices, done = Slices(), list[R]()
    for item in items:
        done.append(act(item))
        if slices.is_used_up:
            await slices.give_way()
    return done
