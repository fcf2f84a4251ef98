"""The register of processes: who runs, who is away, and who is forgotten, by the database's clock."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Table, literal, update

from storage.database import Database, open_database
from storage.processes import Process, beat, leave, list_processes
from storage.sql import DatabaseTime
from storage.tables import processes
from tests.support.builders import HOUR, MINUTE, NOW, SHA
from tests.support.tables_of import only_row

ME = Process(
    id="attic:7:00c0ffee",
    host="attic",
    pid=7,
    version="1.0",
    address="http://attic:8080",
    held={"discord": ("0/4", "1/4")},
    started_at=NOW,
)
YOU = replace(ME, id="cellar:8:00decade", host="cellar", pid=8, address=None, held={}, started_at=NOW - HOUR)


async def ends_in(db: Database, seconds: float, process: Process = ME, table: Table = processes) -> None:
    """Let the lease of a process end at a time, by the database's clock."""
    until = DatabaseTime(literal(seconds))
    async with db.writing() as connection:
        await connection.execute(update(table).where(table.c.id == process.id).values(lease_until=until))


async def listed(db: Database) -> dict[str, bool]:
    """Who is known, in order, and whether it is away."""
    return {each.process.id: each.is_away for each in await list_processes(db)}


async def test_a_process_enters_itself_and_renews_its_entry(db: Database) -> None:
    assert await list_processes(db) == []
    (found,) = await beat(db, ME, lease=MINUTE)
    assert (found.process, found.is_away) == (ME, False)
    assert abs((found.seen_at - datetime.now(UTC)).total_seconds()) < 30
    first = await only_row(db, processes)
    now_held = replace(ME, held={"discord": ["2/4"], "other": []})
    (renewed,) = await beat(db, now_held, lease=2 * MINUTE)
    assert renewed.process.held == {"discord": ("2/4",), "other": ()}
    assert renewed.seen_at > found.seen_at
    second = await only_row(db, processes)
    assert second["created_at"] == first["created_at"]
    assert 59 <= (second["lease_until"] - first["lease_until"]).total_seconds() <= 90
    assert await list_processes(db) == [renewed]


async def test_one_that_stops_is_gone_at_once(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await leave(db, YOU.id)
    assert await listed(db) == {ME.id: False}
    await leave(db, ME.id)
    assert await listed(db) == {}


async def test_the_others_are_told_the_oldest_first(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    running = [each.process.id for each in await beat(db, YOU, lease=MINUTE)]
    if db.dialect == "sqlite":
        assert running == [YOU.id], "there is only one process: what another one left behind is void"
    else:
        assert running == [YOU.id, ME.id]
        assert await listed(db) == {YOU.id: False, ME.id: False}


async def test_one_that_does_not_renew_is_away_for_an_hour_and_then_forgotten(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await ends_in(db, -0.01)
    assert await listed(db) == {ME.id: True}
    if db.dialect == "postgresql":
        assert [each.process.id for each in await beat(db, YOU, lease=MINUTE)] == [YOU.id]
        assert await listed(db) == {YOU.id: False, ME.id: True}
    await ends_in(db, -3599)
    assert ME.id in await listed(db)
    await ends_in(db, -3601)
    assert ME.id not in await listed(db)
    await beat(db, YOU, lease=MINUTE)
    assert (await only_row(db, processes))["id"] == YOU.id


async def test_one_that_comes_back_runs_again(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await ends_in(db, -1800)
    assert [each.process for each in await beat(db, ME, lease=MINUTE)] == [ME]
    assert await listed(db) == {ME.id: False}


async def test_a_lease_from_before_the_clock_was_set_back_is_void(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await ends_in(db, 601)
    assert await listed(db) == {ME.id: True}
    await beat(db, YOU, lease=MINUTE)
    assert await listed(db) == {YOU.id: False}
    assert ME.id in [each.process.id for each in await beat(db, ME, lease=MINUTE)]


@pytest.mark.slow
async def test_many_that_forget_each_other_are_not_in_each_others_way(db: Database, database_url: str) -> None:
    """As where the clock was set back, or all of them stood still for hours."""
    others = [db] if db.dialect == "sqlite" else [db, await open_database(database_url, hash_choice=SHA)]
    crowd = [replace(ME, id=f"attic:{pid}:0", pid=pid) for pid in range(8)]
    for _ in range(5):
        for process in crowd:
            await beat(db, process, lease=2 * HOUR)  # beyond what any lease can be
        await asyncio.gather(*(beat(others[n % len(others)], each, lease=MINUTE) for n, each in enumerate(crowd)))
    for process in crowd:
        await beat(db, process, lease=MINUTE)
    alone = crowd[-1:] if db.dialect == "sqlite" else crowd
    assert await listed(db) == {process.id: False for process in alone}
    for other in others[1:]:
        await other.close()
