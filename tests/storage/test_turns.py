"""Turns: of many that want one exactly one has it, for as long as it says, and the next one after a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import literal, update

from storage.database import Database, open_database
from storage.processes import end_turn, take_turn
from storage.sql import DatabaseTime
from storage.tables import turns
from tests.support.builders import SHA
from tests.support.tables_of import only_row

NAME = "discord identify 0"


async def held_for(db: Database, seconds: float) -> None:
    """Let the turn end at a time, by the database's clock."""
    async with db.writing() as connection:
        await connection.execute(update(turns).values(held_until=DatabaseTime(literal(seconds))))


@pytest.fixture
async def ways(db: Database, database_url: str) -> AsyncIterator[list[Database]]:
    """Ways into one archive: as many processes would have on PostgreSQL, tasks of one process on SQLite."""
    async with AsyncExitStack() as stack:
        found = [db]
        for _ in range(3):
            if db.dialect == "postgresql":
                found.append(await open_database(database_url, hash_choice=SHA))
                stack.push_async_callback(found[-1].close)
        yield found


async def test_a_turn_is_taken_renewed_and_ended(db: Database) -> None:
    assert await take_turn(db, NAME, "me", 10) is None
    first = await only_row(db, turns)
    assert await take_turn(db, NAME, "me", 20) is None
    second = await only_row(db, turns)
    assert (first["owner"], second["owner"]) == ("me", "me")
    assert first["held_until"] < second["held_until"]
    await end_turn(db, NAME, "me", 0)
    assert (await only_row(db, turns))["owner"] is None
    assert await take_turn(db, NAME, "you", 10) is None


async def test_another_one_waits_until_it_is_free(db: Database) -> None:
    await take_turn(db, NAME, "me", 10)
    wait = await take_turn(db, NAME, "you", 10)
    if db.dialect == "sqlite":
        assert wait is None, "there is only one process: a turn that another one left behind is void"
        return
    assert wait is not None
    assert 8 < wait <= 10
    assert (await only_row(db, turns))["owner"] == "me"
    await held_for(db, 0.001)
    await asyncio.sleep(0.01)
    assert await take_turn(db, NAME, "you", 10) is None
    assert await take_turn(db, NAME, "me", 10) is not None, "it came too late to renew it"


async def test_after_its_end_it_is_kept_free(db: Database) -> None:
    await take_turn(db, NAME, "me", 10)
    await end_turn(db, NAME, "me", 5)
    for owner in ("me", "you"):
        wait = await take_turn(db, NAME, owner, 10)
        assert wait is not None
        assert 4 < wait <= 5
    await held_for(db, -0.001)
    assert await take_turn(db, NAME, "me", 10) is None


async def test_only_who_has_it_ends_it(db: Database) -> None:
    await end_turn(db, NAME, "me", 5)
    await take_turn(db, NAME, "me", 10)
    before = await only_row(db, turns)
    await end_turn(db, NAME, "you", 0)
    assert await only_row(db, turns) == before


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0005, 0.05, 0.05), (120, 60, 60)])
async def test_nobody_waits_for_very_long_or_looks_all_the_time(
    db: Database, seconds: float, least: float, most: float
) -> None:
    await take_turn(db, NAME, "me", 10)
    for _ in range(50):  # until it is asked for within that half of a millisecond
        await end_turn(db, NAME, "me", seconds)
        wait = await take_turn(db, NAME, "me", 10)
        if wait is not None:
            assert least <= wait <= most
            return
    assert seconds < 1, "it was too short to be seen"


async def test_a_turn_from_before_the_clock_was_set_back_is_void(db: Database) -> None:
    await take_turn(db, NAME, "me", 10)
    await end_turn(db, NAME, "me", 5)
    await held_for(db, 601)
    assert await take_turn(db, NAME, "you", 10) is None


async def test_each_name_has_its_own(db: Database) -> None:
    assert [await take_turn(db, f"discord identify {n}", f"process {n}", 10) for n in range(3)] == [None] * 3


@pytest.mark.slow
async def test_of_many_at_once_exactly_one_has_it(ways: list[Database]) -> None:
    for n in range(20):
        name = f"turn {n}"
        owners = [f"process {each}" for each in range(8 if len(ways) > 1 else 1)]
        waits = await asyncio.gather(
            *(take_turn(ways[k % len(ways)], name, owner, 10) for k, owner in enumerate(owners))
        )
        assert waits.count(None) == 1
        (has_it,) = (owner for owner, wait in zip(owners, waits, strict=True) if wait is None)
        await end_turn(ways[0], name, has_it, 5)
        again = await asyncio.gather(*(take_turn(way, name, has_it, 10) for way in ways))
        assert None not in again, "it is kept free for all of them"
