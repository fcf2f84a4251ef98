"""Structured concurrency: run over many items with a limit, and finish what must not be torn apart."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any, Generic, TypeVar

from adapters.slices import Slices

log = logging.getLogger(__name__)

T = TypeVar("T")


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run several works at once; the first error ends the others and is raised bare."""

    async def run(work: Coroutine[Any, Any, None]) -> None:
        with only_wanted_cancellation():  # otherwise the task group would count the work as done
            await work

    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(run(work))
    except BaseExceptionGroup as failed:
        raise first_error(failed) from None


async def for_each(items: Iterable[T], limit: int, act: Callable[[T], Awaitable[None]]) -> None:
    """Run ``act`` on every item, at most ``limit`` at a time; the first error ends the others and is raised bare.

    Where there turns out to be nothing to do for many of them, all else gets its turn in between.
    """
    remaining, slices = iter(items), Slices()

    async def work() -> None:
        for item in remaining:
            await act(item)
            await slices.give_way()

    await together(*(work() for _ in range(limit)))


async def for_each_of(items: AsyncGenerator[T, None], limit: int, act: Callable[[T], Awaitable[None]]) -> None:
    """Do the same as ``for_each`` where the items become known one after the other, some of them much later."""
    lock, slices = asyncio.Lock(), Slices()

    async def take() -> tuple[T] | None:
        async with lock:
            async for item in items:
                return (item,)
        return None

    async def work() -> None:
        while taken := await take():
            await act(*taken)
            await slices.give_way()

    async with aclosing(items):
        await together(*(work() for _ in range(limit)))


async def finish(work: Coroutine[Any, Any, T], grace_seconds: float = 5.0) -> T:
    """Run ``work`` to its end also where the caller is cancelled meanwhile, once or often; then be cancelled.

    What is not done within ``grace_seconds`` from the first cancellation is given up.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        deadline = asyncio.get_running_loop().call_later(grace_seconds, task.cancel)
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        deadline.cancel()
        if not task.cancelled() and (error := task.exception()):
            log.warning("what was being finished has failed", extra={"error": type(error).__name__})
        raise  # whatever the result: a task that raises another error would not count as cancelled


class StrayCancellation(Exception):
    """A task was cancelled without a request, by an error of a library."""


@contextmanager
def only_wanted_cancellation() -> Iterator[None]:
    """Turn a cancellation that was not requested of this task into an error, so that it cannot pass for a normal end.

    Raises:
        StrayCancellation: what was awaited had been cancelled elsewhere.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancellation(str(StrayCancellation.__doc__)) from error


class SingleFlight(Generic[T]):
    """Runs one call at a time of something that may hang; concurrent callers wait for the same result.

    A hanging call is not cancelled with its callers, and not repeated before it is given up.
    """

    def __init__(self, call: Callable[[], Coroutine[Any, Any, T]], name: str, give_up_seconds: float = 30.0) -> None:
        self._call, self._name, self._give_up_seconds = call, name, give_up_seconds
        self._pending: asyncio.Task[T] | None = None
        self._called_at = 0.0

    @property
    def pending_seconds(self) -> float:
        """Seconds since the newest call began."""
        return time.monotonic() - self._called_at

    async def answer(self, seconds: float) -> "asyncio.Task[T] | None":
        """Return the finished call, successful or not; None where it has not ended within ``seconds``."""
        task = self._current()
        await asyncio.wait({task}, timeout=seconds)
        return task if task.done() and not task.cancelled() else None

    def _current(self) -> "asyncio.Task[T]":
        pending = self._pending
        if pending is not None and not pending.done():
            if self.pending_seconds <= self._give_up_seconds:
                return pending
            pending.cancel()  # its connection may hang for ever and must not block later calls
        self._called_at = time.monotonic()
        self._pending = pending = asyncio.create_task(self._call(), name=self._name)
        pending.add_done_callback(lambda done: done.cancelled() or done.exception())
        return pending


async def aside(work: Coroutine[Any, Any, None]) -> None:
    """Run a non-essential part of the program: an error is logged and does not propagate."""
    try:
        await work
    except Exception:
        log.exception("a part of the program has failed; the rest goes on: please report it")


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error inside a group, however deep."""
    first = group.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
