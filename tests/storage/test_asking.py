"""People ask on connections of their own, which cannot write and cut a query off in time."""

import asyncio
import time

import pytest
from sqlalchemy import event, text

from storage import channels
from storage.database import Database, open_database, open_for_reading
from storage.errors import DatabaseReadOnly, QueryTooLong
from tests.support.builders import SHA

_ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


@pytest.mark.slow
async def test_a_question_that_never_ends_is_cut_off_and_disturbs_nobody(db: Database) -> None:
    async def ask(seconds: float) -> None:
        async with db.asking(seconds) as connection:
            await connection.execute(_ENDLESS)

    began = time.monotonic()
    asked = [asyncio.create_task(ask(1)) for _ in range(3)]
    await db.ping()
    assert not any(task.done() for task in asked)
    for found in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(found, QueryTooLong), found
    assert time.monotonic() - began >= 1
    async with db.asking() as connection:  # the connections can be used again, with another limit
        assert (await connection.execute(text("SELECT count(*) FROM tenants"))).scalar_one() == 0
    with pytest.raises(DatabaseReadOnly):
        async with db.asking() as connection:
            await connection.execute(text("DELETE FROM tenants"))


async def test_an_archive_that_is_opened_to_be_read_cannot_be_written(database_url: str) -> None:
    await (await open_database(database_url, hash_choice=SHA)).close()
    db = await open_for_reading(database_url, hash_choice=SHA)
    for lend in (db.reading, db.writing, db.snapshot):
        with pytest.raises(DatabaseReadOnly):
            async with lend() as connection:
                await connection.execute(text("DELETE FROM tenants"))
    await db.close()


async def test_what_only_pages_show_of_channels_is_asked(db: Database) -> None:
    asked: list[str] = []
    event.listen(db._asker.sync_engine, "before_cursor_execute", lambda *sent: asked.append(sent[2]))
    for call in (
        channels.channel_tree(db, "discord-1"),
        channels.newest_threads(db, "discord-1", limit=1),
        channels.thread_summaries(db, 1),
    ):
        asked.clear()
        assert list(await call) == []
        assert any("channels" in statement for statement in asked)
