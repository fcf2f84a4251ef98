"""How long a test waits for what has to come, and whether others get their turn beside a piece of work."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 120.0  # nothing takes so long but on a machine that is busy with much else
_LOOK_SECONDS = 0.01


async def comes(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so that nothing tells of; ``what`` is said where it does not come."""
    for _ in range(int(PATIENCE_SECONDS / _LOOK_SECONDS)):
        if is_so():
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError(f"it does not come: {what}")


async def explained(search: Callable[[], Awaitable[T]]) -> T:
    """Search until it is known which word nothing holds: finding out is given up after half a second."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "is not known at present" in str(found := await search()):
            pass
    return found


async def turns_beside(work: Coroutine[Any, Any, T]) -> tuple[T, int]:
    """Do a piece of work; return what came of it, and how many turns others got, whatever the machine is doing."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    try:
        return await work, turns
    finally:
        beside.cancel()
