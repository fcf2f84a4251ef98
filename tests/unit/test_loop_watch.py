"""How long the event loop stops is known."""

import asyncio
import gc
import time

import pytest

from bot.loop_watch import LoopWatch
from bot.metrics import Metrics


@pytest.mark.slow
async def test_a_stop_is_in_the_metrics() -> None:
    metrics = Metrics()

    async def work() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 # on purpose
        await asyncio.sleep(0.05)

    await metrics.loop.beside(work())
    exposed = (await metrics.expose(""))[0].decode()
    (line,) = (line for line in exposed.splitlines() if line.startswith("platform_sync_event_loop_longest_stop"))
    assert 0.25 < float(line.split()[1]) < 30


def test_what_was_long_ago_is_forgotten() -> None:
    now = 1000.0
    watch = LoopWatch(lambda: now)
    for seconds in (0.2, 0.5, 0.1):
        watch.note(seconds)
    assert watch.longest_seconds == 0.5
    now += 599
    watch.note(0.05)
    assert watch.longest_seconds == 0.5
    now += 2
    assert watch.longest_seconds == 0.05
    now += 601
    assert watch.longest_seconds == 0.0


@pytest.mark.slow
async def test_what_was_before_the_program_served_does_not_count() -> None:
    now = 1000.0
    watch = LoopWatch(lambda: now)

    async def work() -> None:
        nonlocal now
        await asyncio.sleep(0)
        now += 100
        watch.begin_serving()
        await asyncio.sleep(0.05)

    try:
        await watch.beside(work())
    finally:
        gc.unfreeze()
    assert watch.longest_seconds == 0.0
