"""A search takes a bounded time, whatever the database does, and holds nobody up meanwhile."""

import asyncio
import time

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.errors import QueryTooLong
from storage.search import Field, Filter, Has, SearchQuery, Term, prepare_index, search
from storage.search import walk as walks
from storage.search.limits import limited_reading
from tests.support.builders import NOW, message
from tests.support.patience import PATIENCE_SECONDS
from tests.support.repair_steps import Way

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(10000)",
}


@pytest.mark.slow
async def test_a_query_that_does_not_end_is_interrupted_and_others_go_on_meanwhile(db: Database, way: Way) -> None:
    began = time.monotonic()
    async with limited_reading(db, 0.5) as reader:
        reading = asyncio.create_task(reader.rows(text(ENDLESS[db.dialect])))
        await way.store(message(1))
        assert not reading.done()
        with pytest.raises(QueryTooLong):
            await reading
        with pytest.raises(QueryTooLong):
            await reader.rows(text("SELECT 1"))
    assert time.monotonic() - began < PATIENCE_SECONDS
    async with limited_reading(db, PATIENCE_SECONDS) as reader:  # the connection is as good as new
        assert len(await reader.rows(text("SELECT 1"))) == 1
        assert await reader.rows_within(0.1, text(ENDLESS[db.dialect])) is None  # and a part of a search ends alone
        assert await reader.rows_within(PATIENCE_SECONDS, text("SELECT 1")) == await reader.rows(text("SELECT 1"))


async def test_it_cannot_write(db: Database) -> None:
    async with limited_reading(db, PATIENCE_SECONDS) as reader:
        with pytest.raises(Exception, match=r"(?i)read"):
            await reader.rows(text("DELETE FROM messages RETURNING id"))


async def test_a_search_without_time_answers_without_hits(db: Database, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    await way.store(message(1))
    page = await search(db, way.tenant.id, SearchQuery(terms=(Term(text="message"),)), seconds=0.0)
    assert (page.hits, page.is_cut, page.next_cursor, page.searched_until) == ((), True, None, None)


@pytest.mark.slow
async def test_a_search_is_cut_off_and_goes_on_where_it_was(
    db: Database, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare_index(db, "words", NOW)
    await way.store(*(message(n) for n in range(1, 200)), message(200, content="apple", metadata={"poll": {"n": 1}}))
    await way.store(*(message(n) for n in range(201, 400)))
    polls = SearchQuery(filters=(Filter(field=Field.HAS, value=Has.POLL),))
    monkeypatch.setattr(walks, "_LEAST_SECONDS", 60.0)  # more than there is: each page ends after one bite
    cursor, found, pages = None, [], 0
    while True:
        page = await search(db, way.tenant.id, polls, limit=40, cursor=cursor)
        found += [hit.platform_id for hit in page.hits]
        pages += 1
        if not page.is_cut:
            break
        assert page.searched_until is not None
        cursor = page.next_cursor
    assert (found, pages > 5) == (["200"], True)
