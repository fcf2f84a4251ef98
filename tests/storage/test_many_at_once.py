"""However many rows there are, the event loop gets its turn after some of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, literal_column, select

from storage.channels import save_channels
from storage.database import Database
from storage.repair import count_pending_ranges
from storage.sql import AT_ONCE, rows_in_slices
from tests.support.builders import HOUR, NOW, thread
from tests.support.repair_steps import Way
from tests.support.tables_of import run_sql

MANY = 2 * AT_ONCE + 100


@contextmanager
def written_at_once(db: Database) -> Iterator[list[int]]:
    """Collect how many rows each statement is given."""
    counts: list[int] = []

    def note(_: Any, __: Any, ___: str, parameters: Any, ____: Any, many: bool) -> None:
        counts.append(len(parameters) if many else 1)

    event.listen(db._writer.sync_engine, "before_cursor_execute", note)
    try:
        yield counts
    finally:
        event.remove(db._writer.sync_engine, "before_cursor_execute", note)


async def test_rows_come_some_at_a_time(db: Database) -> None:
    numbers = select(literal_column("1").label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < MANY))
    turns, sizes = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with db.reading() as connection:
        slices = rows_in_slices(connection, select(numbers.c.n))
        sizes.append(len(await anext(slices)))
        beside, turns = asyncio.create_task(others()), 0
        async for rows in slices:
            sizes.append(len(rows))
        beside.cancel()
    assert sizes == [AT_ONCE, AT_ONCE, 100]
    assert turns >= 2


@pytest.mark.slow
async def test_what_is_to_be_read_again_after_a_gap_is_planned_some_channels_at_a_time(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [thread(str(1000 + n), "5") for n in range(MANY)], NOW)
    progress = (
        "INSERT INTO sync_progress (channel_id, last_message_platform_id, last_message_at, messages_archived, state,"
        " created_at, updated_at) SELECT id, '2000', created_at, 1, 'complete', created_at, updated_at FROM channels"
        " WHERE type = 'thread'"
    )
    await run_sql(db, progress)
    await run_sql(db, "UPDATE channels SET unmonitored_since = created_at WHERE type = 'thread'")
    with written_at_once(db) as counts:
        assert await way.plan(lookback=HOUR) == MANY
    assert sorted(counts)[-6:] == [100, 100, AT_ONCE, AT_ONCE, AT_ONCE, AT_ONCE]
    assert (await count_pending_ranges(db, way.tenant.id)).total() == MANY
    await run_sql(db, "UPDATE channels SET unmonitored_since = created_at WHERE type = 'thread'")
    assert await way.plan(lookback=HOUR) == 0
    assert await way.plan(lookback=2 * HOUR) == 0
