"""Run steps that restore the desired state; an event only wakes them, and a failed step is retried."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

from bot.concurrency import only_wanted_cancellation
from bot.failures import of
from storage.errors import StorageError

log = logging.getLogger(__name__)

Step: TypeAlias = Callable[[], Awaitable[None]]


class NotYet(Exception):
    """What a step raises that has to be taken again soon, although nothing has failed."""


LOG_IS_READ = "a reader keeps the write-ahead log from being emptied, which still holds what was removed"
"""Why something that was removed is still in the files of a SQLite archive."""

_ROUND_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0


class Reconciler:
    """Runs steps that compare the desired with the actual state: at each event, every minute, and until they succeed.

    Each step has a loop of its own, so that a slow or failing one does not delay the others.
    """

    def __init__(self, always: Mapping[str, Step], *, once: Mapping[str, Step] = {}) -> None:
        """Steps in ``once`` are not repeated in this process after they have succeeded."""
        self._loops = [_Loop(name, step) for name, step in always.items()]
        self._once = [_Loop(name, step) for name, step in once.items()]

    def wake(self, name: str) -> None:
        """Run a step now."""
        for loop in self._loops:
            if loop.name == name:
                loop.news.set()

    async def run(self) -> None:
        """Run the steps until cancelled."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.go_on(), name=loop.name)
            for loop in self._once:
                group.create_task(loop.go_on(is_once=True), name=loop.name)
            await asyncio.Event().wait()


class _Loop:
    """Repeats one step."""

    def __init__(self, name: str, step: Step) -> None:
        self.name = name
        self.news = asyncio.Event()
        self._step = step
        self._failure: str | None = None

    async def go_on(self, *, is_once: bool = False) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self.news.clear()
            if await self._succeeds():
                if is_once:
                    return
                pause, wait = _FIRST_PAUSE_SECONDS, _ROUND_SECONDS
            else:
                wait, pause = pause, min(pause * 2, _LONGEST_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self.news.wait()

    async def _succeeds(self) -> bool:
        try:
            with only_wanted_cancellation():  # otherwise the loop could end silently
                await self._step()
        except NotYet as e:
            self._note_wait(str(e))
            return False
        except StorageError as e:
            self._note_failure(e.code, {"code": e.code, "error": str(e), "of": of(e)})
            return False
        except Exception as e:  # noqa: BLE001 (the supervisor of the steps: the next round tries again)
            self._note_failure(type(e).__name__, {}, is_a_bug=True)
            return False
        if self._failure is not None:
            log.info("put right again", extra={"what": self.name})
        self._failure = None
        return True

    def _note_wait(self, reason: str) -> None:
        """Log what is waited for once, until it changes or ends."""
        if self._failure != reason:
            log.warning("not finished yet: tried again and again", extra={"what": self.name, "reason": reason})
        self._failure = reason

    def _note_failure(self, kind: str, facts: dict[str, str], *, is_a_bug: bool = False) -> None:
        """Log a failure once, until it changes or ends."""
        if self._failure != kind:
            log.error("not right yet: tried again and again", exc_info=is_a_bug, extra={"what": self.name, **facts})
        self._failure = kind
