"""Stopping: a cancellation is never lost on the way, and never made up; and stopping has an end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from bot.concurrency import StrayCancellation, for_each, for_each_of, only_wanted_cancellation
from bot.shutdown import StopDeadline
from storage.connection import finish_before_cancel
from storage.errors import DatabaseUnreachable


@dataclass
class Archive:
    """A database of a kind."""

    dialect: str


@finish_before_cancel
async def swallow(_: Archive, failure: Exception | None) -> str:
    """Do as a pool does in whose queue a connection and a cancellation arrive in one instant."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        if failure is not None:
            raise failure from None
    return "done"


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("failure", [None, DatabaseUnreachable("gone"), ValueError()])
async def test_a_cancellation_that_was_swallowed_is_heeded(dialect: str, failure: Exception | None) -> None:
    async def work_for_ever() -> None:
        while True:
            try:
                await swallow(Archive(dialect), failure)
            except Exception:  # noqa: S112, BLE001 (as a loop does that goes on whatever a call says)
                continue

    task = asyncio.create_task(work_for_ever())
    await asyncio.sleep(0)
    task.cancel()
    if dialect == "sqlite":  # there the call goes on in a task of its own, to its end
        await asyncio.sleep(0)
        for other in asyncio.all_tasks() - {task, asyncio.current_task()}:
            other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


async def test_an_error_after_the_cancellation_is_an_error() -> None:
    """What is done on the way out, such as giving a job back, fails as ever."""

    @finish_before_cancel
    async def refuse(_: Archive) -> None:
        raise DatabaseUnreachable

    async def work() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            with pytest.raises(DatabaseUnreachable):
                await refuse(Archive("postgresql"))
            raise
        return "never"

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_nobody_asked_for_is_an_error_and_no_end() -> None:
    done = []

    async def act(item: int) -> None:
        if item == 2:
            raise asyncio.CancelledError  # as from a request that a library has cancelled by itself
        done.append(item)

    with pytest.raises(StrayCancellation):
        await for_each(range(5), 1, act)
    assert done == [0, 1]


async def test_items_that_become_known_later_are_taken_up_beside_those_that_take_long() -> None:
    later, taken, most = asyncio.Event(), list[int](), 0
    running = 0

    async def items() -> AsyncGenerator[int, None]:
        for number in range(3):
            yield number
        await later.wait()
        yield 3
        raise ValueError("no more can be known")

    async def act(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        taken.append(item)
        if item == 2:
            later.set()
        await (asyncio.Event().wait() if item == 0 else asyncio.sleep(0))
        running -= 1

    with pytest.raises(ValueError, match="no more"):
        await for_each_of(items(), 2, act)
    assert (taken, most) == ([0, 1, 2, 3], 2)


async def test_a_cancellation_that_was_asked_for_is_one() -> None:
    async def act(_: int) -> None:
        await asyncio.sleep(3600)

    task = asyncio.create_task(for_each(range(5), 2, act))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(StrayCancellation), only_wanted_cancellation():
        await task


async def test_stopping_ends_at_the_latest_at_its_deadline(caplog: pytest.LogCaptureFixture) -> None:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()
    deadline = StopDeadline(0.01, lambda status: loop.call_soon_threadsafe(ended.set_result, status))
    hanging = asyncio.create_task(asyncio.sleep(3600), name="what hangs")
    deadline.start()
    assert await ended == 1
    assert "what hangs" in str(caplog.records[-1].__dict__["unfinished"])
    hanging.cancel()


@pytest.mark.slow
async def test_a_deadline_that_is_kept_ends_nothing() -> None:
    deadline = StopDeadline(0.5, lambda _: pytest.fail("it was kept"))
    deadline.cancel()
    deadline.start()
    deadline.cancel()
    await asyncio.sleep(0.6)


async def test_what_hangs_is_cut_where_stopping_takes_long() -> None:
    cut = asyncio.Event()
    deadline = StopDeadline(60, lambda _: pytest.fail("it ends before"), cut_seconds=0.01)
    deadline.cut(cut.set)
    deadline.start()
    await cut.wait()
    deadline.cancel()


async def test_what_swallows_a_cancellation_is_cancelled_again() -> None:
    async def swallow_once() -> None:
        with suppress(asyncio.CancelledError):  # as a library's connecting does at times
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    deadline = StopDeadline(60, lambda _: pytest.fail("it ends before"), again_seconds=0.01)
    task = asyncio.create_task(swallow_once())
    deadline.cover(task)
    await asyncio.sleep(0)
    task.cancel()
    deadline.start()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadline.cancel()
