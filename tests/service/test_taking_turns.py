"""Taking turns: one after another over all tasks and processes, with a while in between, whatever ends a turn."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest

from bot.turns import Turns
from storage.database import Database, open_database
from storage.errors import StorageError
from storage.processes import end_turn, take_turn
from storage.tables import turns
from tests.support.builders import SHA
from tests.support.daemon import ON_POSTGRES
from tests.support.patience import PATIENCE_SECONDS
from tests.support.postgres import Postgres
from tests.support.tables_of import only_row, until_stored

pytestmark = pytest.mark.slow

NAME, SPACING_SECONDS = "discord identify 0", 0.2
_CLOCKS_SECONDS = 0.05  # between what the database measures and what the test does
PROGRAM = """
import asyncio, json, sys, time
from bot.turns import Turns
from storage.database import open_database

async def take(url, owner):
    db, taken = await open_database(url, hash_choice="sha256"), []
    for _ in range(4):
        async with Turns(db, owner).turn("{name}", {spacing}):
            began_at = time.monotonic()
            await asyncio.sleep(0.05)
            taken.append((began_at, time.monotonic()))
    print(json.dumps(taken))
    await db.close()

asyncio.run(take(*sys.argv[1:]))
"""


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open archive."""
    db = await open_database(database_url, hash_choice=SHA)
    yield db
    await db.close()


def assert_one_after_another(taken: list[tuple[float, float]]) -> None:
    """No two at a time, and the next one begins a while after the one before has ended."""
    taken.sort()
    pauses = [began - ended for (_, ended), (began, _) in pairwise(taken)]
    assert min(pauses) > SPACING_SECONDS - _CLOCKS_SECONDS, pauses


async def test_tasks_of_one_process_take_turns(db: Database) -> None:
    mine, taken = Turns(db, "me"), list[tuple[float, float]]()

    async def take() -> None:
        async with mine.turn(NAME, SPACING_SECONDS):
            began_at = time.monotonic()
            await asyncio.sleep(0.02)
            taken.append((began_at, time.monotonic()))

    await asyncio.gather(*(take() for _ in range(5)))
    assert len(taken) == 5
    assert_one_after_another(taken)


@ON_POSTGRES
@pytest.mark.process
async def test_processes_take_turns(database_url: str) -> None:
    program = PROGRAM.format(name=NAME, spacing=SPACING_SECONDS)
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, database_url, owner), stdout=asyncio.subprocess.PIPE
        )
        for owner in ("one", "two")
    ]
    answers = await asyncio.gather(*(process.communicate() for process in processes))
    taken = [(began, ended) for out, _ in answers for began, ended in json.loads(out)]
    assert len(taken) == 8
    assert_one_after_another(taken)


async def test_a_turn_is_renewed_as_long_as_it_lasts(db: Database) -> None:
    async with Turns(db, "me", lease_seconds=2).turn(NAME, 0):
        for _ in range(25):
            await asyncio.sleep(0.1)
            if db.dialect == "postgresql":  # on SQLite another process has none
                assert await take_turn(db, NAME, "you", 10) is not None
    assert await take_turn(db, NAME, "you", 10) is None


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
async def test_a_turn_ends_with_what_is_done_in_it(db: Database, error: type[BaseException]) -> None:
    with suppress(error):
        async with Turns(db, "me").turn(NAME, 30):
            raise error
    row = await only_row(db, turns)
    assert row["owner"] is None
    wait = await take_turn(db, NAME, "you", 10)
    assert wait is not None
    assert 25 < wait <= 30


async def test_a_turn_ends_where_its_task_is_cancelled_again_and_again(db: Database) -> None:
    begun = asyncio.Event()

    async def have() -> None:
        async with Turns(db, "me").turn(NAME, 0):
            begun.set()
            await asyncio.sleep(PATIENCE_SECONDS)

    having = asyncio.create_task(have())
    await begun.wait()
    while not having.done():
        having.cancel()
        await asyncio.sleep(0)
    assert having.cancelled()
    assert (await only_row(db, turns))["owner"] is None


async def test_one_that_gives_up_waiting_leaves_the_turn_to_who_has_it(db: Database) -> None:
    await take_turn(db, NAME, "me", 10)
    await end_turn(db, NAME, "me", 30)
    before = await only_row(db, turns)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), Turns(db, "you").turn(NAME, 0):
            raise AssertionError("it was not free")
    assert await only_row(db, turns) == before


@ON_POSTGRES
async def test_a_turn_waits_for_the_database(
    db: Database, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    postgres.kill()
    begun = asyncio.Event()

    async def take() -> None:
        async with Turns(db, "me", lease_seconds=0.5).turn(NAME, 0):
            begun.set()
            postgres.kill()
            await asyncio.sleep(1)  # it goes on all the same

    with caplog.at_level(logging.WARNING, "bot.turns"):
        taking = asyncio.create_task(take())
        await asyncio.sleep(2.5)
        assert not begun.is_set()
        postgres.restart()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await taking
    said = [record.getMessage() for record in caplog.records if record.name == "bot.turns"]
    assert said == ["a turn waits for the database", "a turn could not be renewed", "a turn could not be ended"]
    with pytest.raises(StorageError):
        await take_turn(db, NAME, "you", 10)
    postgres.restart()
    await until_stored(db, turns, 1)
