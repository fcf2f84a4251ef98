"""A job over several attempts: it runs once at a time, its figures add up, and it never claims more than it did."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, update

from bot.app import utc_now
from storage.errors import DatabaseUnreachable
from storage.tables import sync_jobs
from tests.support.archive import count_messages
from tests.support.daemon import Clock, Daemon, end_of
from tests.support.delivering import delivering
from tests.support.faults import refuse_updates
from tests.support.patience import PATIENCE_SECONDS
from tests.support.post_office import PostOffice

TENANT = "post-T0VILLAGE"
A_HUNDRED_AT_A_TIME = {"PLATFORM_SYNC_SYNC__BATCH_SIZE": "100"}


class Halting(PostOffice):
    """Gives so many pages, and then nothing until it is told to go on."""

    def __init__(self, letters: int, pages: int) -> None:
        super().__init__(letters)
        self.pages = pages
        self.halted, self.go_on = asyncio.Event(), asyncio.Event()
        self.before_page = self._halt

    async def _halt(self, _: str | None) -> None:
        self.pages -= 1
        if self.pages < 0:
            self.halted.set()
            await self.go_on.wait()


async def newest(daemon: Daemon) -> Any:
    return (await daemon.get(f"/api/tenants/{TENANT}/sync"))["job"]


@pytest.mark.slow
async def test_figures_add_up_over_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In the API, and in the line in which the log tells of the end."""
    caplog.set_level(logging.INFO)
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    first = Halting(450, 3)
    async with delivering(url, {"post": first}, A_HUNDRED_AT_A_TIME):
        await first.halted.wait()
    assert count_messages(url) == 300
    async with delivering(url, {"post": PostOffice(450)}, A_HUNDRED_AT_A_TIME) as daemon:
        (job,) = await daemon.idle()
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert job["metrics"]["messages"] == job["progress"]["messages"] == 450
    lists = 450 // 10
    assert job["progress"]["reactions_done"] == lists
    assert job["metrics"]["requests"] == (3 + 1) + (2 + lists)  # one page was on its way when the first one ended
    assert job["progress"]["fraction"] == 1.0
    (line,) = [record for record in caplog.records if record.getMessage() == "sync ended"]
    assert (line.__dict__["messages"], line.__dict__["reactions_done"]) == (450, lists)


@pytest.mark.slow
async def test_a_job_whose_lease_ran_out_while_it_runs_is_not_begun_a_second_time(tmp_path: Path) -> None:
    """As after a stopped process, a database that stood still, or a clock that was set by an hour, or by a day."""
    url, clock = f"sqlite+aiosqlite:///{tmp_path}/archive.db", Clock()
    office = Halting(450, 2)
    async with delivering(url, {"post": office}, A_HUNDRED_AT_A_TIME, clock=clock) as daemon:
        await office.halted.wait()
        for jump in (timedelta(hours=1), timedelta(days=1), timedelta(hours=-1), timedelta(days=-1)):
            clock.ahead = jump
            await asyncio.sleep(1.2)  # the queue is read once a second
        assert (await newest(daemon))["attempt"] == 1
        assert not daemon.running.done()
        office.go_on.set()
        (job,) = await daemon.idle()
    assert (job["status"], job["attempt"], job["metrics"]["messages"]) == ("succeeded", 1, 450)
    assert count_messages(url) == 450


@asynccontextmanager
async def standing_still(url: str) -> AsyncIterator[None]:
    """Hold the table of jobs in a transaction of somebody else, while the leases in it run out.

    It begins in a thread: the daemon may be in a transaction of its own, which ends on this loop.
    """
    engine = create_engine(url.replace("+aiosqlite", ""))
    is_postgres = engine.dialect.name == "postgresql"
    try:
        with engine.connect() as connection:
            begin = "LOCK TABLE sync_jobs" if is_postgres else "BEGIN IMMEDIATE"
            await asyncio.to_thread(connection.exec_driver_sql, begin)
            connection.execute(update(sync_jobs).values(lease_until=utc_now() - timedelta(seconds=1)))
            yield
            connection.commit()
    finally:
        engine.dispose()


@pytest.mark.slow
async def test_a_database_that_stands_still_longer_than_a_lease(database_url: str) -> None:
    office = Halting(450, 2)
    async with delivering(database_url, {"post": office}, A_HUNDRED_AT_A_TIME) as daemon:
        await office.halted.wait()
        async with standing_still(database_url):
            office.go_on.set()
            await asyncio.sleep(2.5)  # a beat of the heart, two looks at the queue and a batch wait for it
        (job,) = await daemon.idle()
    assert (job["status"], job["attempt"], job["metrics"]["messages"]) == ("succeeded", 1, 450)
    assert count_messages(database_url) == 450


def take_updates(file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute("DROP TRIGGER refuse_lease_until")


@pytest.mark.slow
async def test_a_beat_that_the_database_refuses_does_not_end_the_sync(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, office = tmp_path / "archive.db", Halting(450, 2)
    async with delivering(f"sqlite+aiosqlite:///{file}", {"post": office}, A_HUNDRED_AT_A_TIME) as daemon:
        await office.halted.wait()
        await asyncio.to_thread(refuse_updates, file, "sync_jobs", "lease_until")  # or the daemon could not give way
        await daemon.sees(lambda: "heartbeat was missed" in caplog.text or "broken off" in caplog.text)
        await asyncio.to_thread(take_updates, file)
        assert "broken off" not in caplog.text
        office.go_on.set()
        (job,) = await daemon.idle()
    assert (job["status"], job["attempt"], job["metrics"]["messages"]) == ("succeeded", 1, 450)


@pytest.mark.slow
async def test_what_a_tick_cuts_off_is_told(tmp_path: Path) -> None:
    url, clock = f"sqlite+aiosqlite:///{tmp_path}/archive.db", Clock()
    office = PostOffice(450)
    fetched = 0

    async def until_the_tick(_: str | None) -> None:
        nonlocal fetched
        fetched += 1
        if fetched == 5:
            clock.ahead += timedelta(days=31)

    office.before_reactions = until_the_tick
    async with delivering(url, {"post": office}, clock=clock) as daemon:
        found = await daemon.until(
            lambda: daemon.get("/api/jobs"), lambda found: any(job["finished_at"] for job in found["jobs"])
        )
        job = [job for job in found["jobs"] if job["finished_at"]][-1]
        assert job["status"] == "succeeded"
        assert job["progress"]["reactions_pending"] == 450 // 10 - 5
        assert 0 < job["progress"]["fraction"] < 1
        assert job["estimated_completion_at"] is None
        (job,) = await daemon.until(daemon.idle, lambda jobs: jobs[0]["progress"]["reactions_pending"] == 0)
        assert (job["status"], job["progress"]["fraction"]) == ("succeeded", 1.0)


@pytest.mark.parametrize("times", [2, 9])
@pytest.mark.slow
async def test_a_database_that_is_away_interrupts_a_job_some_times(tmp_path: Path, times: int) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office, left = PostOffice(450), times

    async def be_away(after: str | None) -> None:
        nonlocal left
        if after == "200" and left:
            left -= 1
            raise DatabaseUnreachable

    office.before_page = be_away
    async with delivering(url, {"post": office}, A_HUNDRED_AT_A_TIME) as daemon:
        found = await daemon.until(
            lambda: daemon.get("/api/jobs"), lambda found: any(job["finished_at"] for job in found["jobs"])
        )
    job = found["jobs"][-1]
    if times == 2:
        assert (job["status"], job["attempt"], job["metrics"]["messages"]) == ("succeeded", 3, 450)
    else:
        assert (*end_of(job), job["attempt"]) == ("failed", "database_unreachable", 4)
        assert job["metrics"]["messages"] == 200
