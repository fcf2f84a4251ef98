"""How long a test waits for what has to come before it says that it does not."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 120.0  # nothing takes so long but on a machine that is busy with much else
_LOOK_SECONDS = 0.01


async def comes(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so that nothing tells of; ``what`` is said where it does not come."""
    for _ in range(int(PATIENCE_SECONDS / _LOOK_SECONDS)):
        if is_so():
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError(f"it does not come: {what}")
