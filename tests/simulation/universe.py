"""One simulated process: a seeded schedule, virtual time, a network and machines that can lose their power.

Only this file and ``sockets`` know simloom, which is young: what is used of it, and what is mended in it, is here.
"""

import asyncio
import hashlib
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import simloom
from simloom import EventLog, SimLoop, World
from simloom._context import current_host
from simloom._world import Host

from tests.simulation.clocks import moved_clocks, wall_clock
from tests.simulation.sockets import simulated_sockets

__all__ = ["Host", "Run", "World", "draw", "run", "this_host"]

LEAST_STEP_SECONDS = 1e-6
"""A timer is set at least so far ahead: aiolimiter re-arms itself for ever within one instant by float rounding."""

_HUNG_SECONDS = 120.0  # of real time; the stacks of all threads are printed then


@dataclass(frozen=True, slots=True)
class Run:
    """How a seed went."""

    seed: int
    error: BaseException | None
    value: Any
    digest: str
    steps: int
    virtual_seconds: float
    seconds: float


def run(seed: int, main: Callable[[World], Awaitable[object]], *, now: float) -> Run:
    """Run ``main`` in a universe of its own, in which it is ``now`` (Unix seconds) at first.

    The same seed gives the same universe: every choice of the scheduler, every delay of the network, all randomness
    come from it.
    """
    began, ended_at = time.perf_counter(), 0.0

    async def timed(world: World) -> object:
        nonlocal ended_at
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_numbered_tasks())
        time.time = wall_clock()  # simloom gives it back at the end of the run
        try:
            return await main(world)
        finally:
            ended_at = loop.time()
            for host in world.hosts:
                host.crash()

    with _mended(), simulated_sockets(), moved_clocks(now):
        found = simloom.run(
            timed,
            seed=seed,
            raise_on_error=False,
            on_unhandled="record",
            virtual_time=True,
            seed_randomness=True,
            wall_epoch=now,
            gc_interval=0,
            watchdog=_HUNG_SECONDS,
        )
    return Run(seed, found.error, found.value, _digest(found), len(found.tape), ended_at, time.perf_counter() - began)


def _digest(found: simloom.RunResult) -> str:
    """Return the fingerprint of every choice that was drawn: of which task ran, and how long each packet took."""
    drawn = hashlib.sha256()
    for draw_ in found.tape:
        drawn.update(b"%d/%d " % (draw_.value, draw_.bound))
    return drawn.hexdigest()


def draw(label: str, bound: int) -> int:
    """Draw a number from 0 to ``bound`` - 1 from the running universe's seed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    return loop.tape.draw(label, bound)


def this_host() -> Host | None:
    """Return the machine whose code is running; None for the world around the machines."""
    host: Host | None = current_host.get()
    return host


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address in memory."""

    number = 0

    def __hash__(self) -> int:
        return self.number


def _numbered_tasks() -> Any:
    count = 0

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> _Task:
        nonlocal count
        count += 1
        task = _Task(work, loop=loop, **options)
        task.number = count
        return task

    return make


_graveyard: list[asyncio.Task[Any]] = []


def _bury(loop: SimLoop) -> list[asyncio.Task[Any]]:
    """Keep what ran on machines that lost their power as it was.

    simloom would let it all clean up, which can take for ever; so would its garbage collection.
    """
    _graveyard.extend(loop._crashed_tasks)
    return []


async def _leave(_: SimLoop) -> None:
    """Leave the generators, too, as they were."""


@contextmanager
def _mended() -> Iterator[None]:
    call_at = SimLoop.call_at

    def later(self: SimLoop, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return call_at(self, max(when, self.time() + LEAST_STEP_SECONDS), *args, **options)

    def add_signal_handler(_: SimLoop, number: int, callback: Callable[..., object], *args: Any) -> None:
        if host := this_host():
            host.__dict__.setdefault("signals", {})[number] = lambda: callback(*args)

    with ExitStack() as patches:
        patches.enter_context(patch.object(sys.modules["storage.jobs.enqueue"], "_sequence", itertools.count()))
        patches.enter_context(patch.object(SimLoop, "call_at", later))
        patches.enter_context(patch.object(EventLog, "emit", lambda *_, **__: None))  # a fifth of the time
        patches.enter_context(patch.object(SimLoop, "shutdown_asyncgens", _leave))
        patches.enter_context(patch.object(SimLoop, "_revive_crashed", _bury))
        patches.enter_context(patch.object(SimLoop, "add_signal_handler", add_signal_handler))
        patches.enter_context(patch.object(SimLoop, "remove_signal_handler", lambda *_: True))
        yield
