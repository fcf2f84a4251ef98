"""Limit the time that stopping takes: then the process ends, whatever hangs. Nothing stored depends on it."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.systemd import Notifier

log = logging.getLogger(__name__)

LONGEST_SECONDS = 25.0  # the service manager kills after 30
_AGAIN_SECONDS = 10.0
_CUT_SECONDS = 12.0  # longer than the 10 s that a cancelled call to the database may take


class StopDeadline:
    """Ends the process if it has not ended by itself a while after a stop was requested."""

    def __init__(
        self,
        seconds: float = LONGEST_SECONDS,
        end: Callable[[int], object] = os._exit,
        *,
        again_seconds: float = _AGAIN_SECONDS,
        cut_seconds: float = _CUT_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._end = end
        self._again_seconds, self._cut_seconds = again_seconds, cut_seconds
        self._cut: Callable[[], object] | None = None
        self._cutting: asyncio.TimerHandle | None = None
        self._timer: threading.Timer | None = None
        self._again: asyncio.TimerHandle | None = None
        self._covered: list[asyncio.Task[None]] = []
        self.is_requested = asyncio.Event()
        """Whether a stop was requested."""

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Take the first SIGTERM or SIGINT for the request to stop; a second one ends the process."""
        loop = asyncio.get_running_loop()

        def release() -> None:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

        def heed() -> None:
            self.is_requested.set()
            release()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, heed)
        try:
            yield
        finally:
            release()

    def cover(self, *tasks: "asyncio.Task[None]") -> None:
        """Register tasks to be cancelled again if they survive: libraries can swallow cancellation (decision 0014)."""
        self._covered += tasks

    def cut(self, act: Callable[[], object]) -> None:
        """Have something cut that may hang, where stopping takes long: a server that does not answer."""
        self._cut = act

    def start(self) -> None:
        """Start the countdown, in a thread, since the event loop may hang."""
        self._timer = threading.Timer(self._seconds, self._give_up, [asyncio.get_running_loop()])
        self._timer.daemon = True
        self._timer.start()
        if self._cut is not None:
            self._cutting = asyncio.get_running_loop().call_later(self._cut_seconds, self._cut)
        self._again = asyncio.get_running_loop().call_later(self._again_seconds, self._cancel_again)

    def _cancel_again(self) -> None:
        left = [task for task in self._covered if not task.done()]
        for task in left:
            log.warning(
                "it goes on although it was cancelled: cancelling it again", extra={"task_name": task.get_name()}
            )
            task.cancel()
        if left:
            self._again = asyncio.get_running_loop().call_later(self._again_seconds, self._cancel_again)

    def cancel(self) -> None:
        """Stop the countdown: everything is closed."""
        if self._timer is not None:
            self._timer.cancel()
        for handle in (self._again, self._cutting):
            if handle is not None:
                handle.cancel()

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        left = sorted(task.get_name() for task in asyncio.all_tasks(loop))
        log.critical("stopping takes too long: ending at once; please report it", extra={"unfinished": left})
        self._end(1)


class Stopped(Exception):
    """A signal said to stop."""


async def stop_on_signal(notifier: Notifier, deadline: StopDeadline) -> None:
    """Wait for the request to stop, which may have come before.

    Raises:
        Stopped: it has come.
    """
    await deadline.is_requested.wait()
    log.info("stopping: running syncs go to a safe point")
    notifier.stopping()
    deadline.start()
    raise Stopped
