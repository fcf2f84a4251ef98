"""The clock ticks for a tenant again after every interval, until it is forgotten."""

import asyncio
from datetime import timedelta

from bot.app import utc_now
from bot.scheduler import Scheduler

SECOND = timedelta(seconds=1)
TENANT = "discord-1"


async def test_a_tenant_is_ticked_for_again_after_every_interval() -> None:
    ticks: asyncio.Queue[str] = asyncio.Queue()
    scheduler = Scheduler(SECOND, ticks.put, utc_now)
    scheduler.start()
    try:
        scheduler.follow(TENANT)
        due = scheduler.next_sync_at(TENANT)
        assert due is not None
        assert due - utc_now() <= SECOND, "the first tick is more than an interval away"
        for number in (1, 2):
            tick = asyncio.ensure_future(ticks.get())
            await asyncio.wait({tick}, timeout=10)
            assert tick.done(), f"tick {number} never came"
            assert tick.result() == TENANT
            following = scheduler.next_sync_at(TENANT)
            assert following is not None, f"nothing is due after tick {number}"
            assert SECOND <= following - due < timedelta(minutes=1), f"{following - due} between two ticks"
            due = following
        scheduler.forget(TENANT)
        assert scheduler.next_sync_at(TENANT) is None
    finally:
        scheduler.stop()
