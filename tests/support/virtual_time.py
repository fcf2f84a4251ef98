"""An event loop that does not wait, for waits of hours where no socket is involved."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop that moves its clock to what comes next."""

    _scheduled: list[asyncio.TimerHandle]
    _ready: Sequence[asyncio.Handle]
    now = 1.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now + 1e-6, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def run(test: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a test in virtual time, and return what it returns."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(test())
