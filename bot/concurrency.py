"""Many things at once, but only so many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def for_each(items: Iterable[T], limit: int, act: Callable[[T], Awaitable[None]]) -> None:
    """Run ``act`` on every item, at most ``limit`` at a time; the first error ends the others and is raised bare."""
    remaining = iter(items)

    async def work() -> None:
        for item in remaining:
            await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise first_error(failed) from None


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside a group, however deep."""
    first = group.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
