"""Searching finds what looking at every row finds, in its order, page by page, whatever is asked for."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.search import (
    BadCursor,
    Field,
    Filter,
    Has,
    IndexKind,
    NoIndex,
    Order,
    SearchQuery,
    Span,
    Term,
    TimeSpan,
    UnclearFilter,
    continue_index,
    explain,
    prepare_index,
    search,
)
from storage.search import walk as walks
from tests.support.builders import NOW, message
from tests.support.erasure_steps import another
from tests.support.repair_steps import Way
from tests.support.searched import PEOPLE, VOCABULARY, all_hits, fill_for_search, found_in, index_all
from tests.support.tables_of import run_sql

FILTERS = [
    Filter(field=Field.CHANNEL, value="#general"),
    Filter(field=Field.CHANNEL, value="6"),
    Filter(field=Field.THREAD, value="how to begin"),
    Filter(field=Field.AUTHOR, value=PEOPLE[0]),
    Filter(field=Field.AUTHOR, value="ffffffff"),
    Filter(field=Field.MENTIONS, value=PEOPLE[1]),
    Filter(field=Field.DURING, value=TimeSpan(since=NOW.replace(month=1, day=1))),
    Filter(field=Field.DURING, value=TimeSpan(until=NOW)),
    Filter(field=Field.TYPE, value="reply"),
    Filter(field=Field.REACTION, value="👍"),
    *(Filter(field=field, value=True) for field in (Field.DELETED, Field.EDITED, Field.PINNED)),
    *(Filter(field=field, value=False) for field in (Field.DELETED, Field.EDITED, Field.PINNED)),
    Filter(field=Field.DELETED, value="any"),
    *(Filter(field=Field.HAS, value=has) for has in Has),
]


def some_query(chance: random.Random) -> SearchQuery:
    texts = [*VOCABULARY, "bread egg", "corn", "nothing", "example.com/egg", "ham NOT"]
    terms = tuple(
        Term(text=text, is_prefix=chance.random() < 0.2 and text[-1].isalpha(), is_excluded=chance.random() < 0.3)
        for text in chance.sample(texts, chance.choice([0, 1, 1, 2, 3]))
    )
    filters = tuple(
        replace(each, is_excluded=chance.random() < 0.3 and each.value != "any")
        for each in chance.sample(FILTERS, chance.choice([0, 1, 1, 2]))
    )
    return SearchQuery(terms=terms, filters=filters)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["words", "trigrams"])
async def test_it_finds_what_looking_at_every_row_finds(
    db: Database, way: Way, monkeypatch: pytest.MonkeyPatch, kind: IndexKind
) -> None:
    rows = await fill_for_search(way, kind=kind)
    elsewhere = await another(way)
    await elsewhere.store(*(message(n, content="apple egg bread 🔥") for n in range(1, 20)))
    chance = random.Random(11)
    queries = [SearchQuery(), *(SearchQuery(filters=(each,)) for each in FILTERS)]
    queries += [SearchQuery(terms=(Term(text=text),)) for text in VOCABULARY]
    queries += [some_query(chance) for _ in range(40)]
    if kind == "trigrams":  # of which only the words are found in another way
        queries = [query for query in queries if query.terms]
    for number, query in enumerate(queries):
        with monkeypatch.context() as patched:
            if number % 2:  # as in an archive in which there is much of everything
                patched.setattr(walks, "_RARE", 0)
                patched.setattr(walks, "_FEW_ON_SQLITE", 10)
                patched.setattr(walks, "_FEW_ON_POSTGRES", 10)
                patched.setattr(walks, "_MOST_IN_BITE", 20)
                patched.setattr(walks, "MOST_COMPARED", 40)
                patched.setattr(walks, "_MOST_ASKED_ONE_BY_ONE", 40)
            expected = found_in(rows, query, kind)
            assert await all_hits(db, way.tenant.id, query, Order.NEWEST, 25) == expected, query
            if number % 8 == 1:
                assert await all_hits(db, way.tenant.id, query, Order.OLDEST, 7) == expected[::-1], query
                assert sorted(await all_hits(db, way.tenant.id, query, Order.RELEVANCE, 30)) == sorted(expected), query


@pytest.mark.slow
async def test_what_is_shown_of_a_hit(db: Database, way: Way) -> None:
    rows = await fill_for_search(way, number=80)
    query = SearchQuery(terms=(Term(text="corn flakes"),))
    page = await search(db, way.tenant.id, query, limit=100)
    by_id = {row.record.platform_id: row for row in rows}
    assert page.hits
    for hit in page.hits:
        row = by_id[hit.platform_id]
        assert [hit.content[s.start : s.start + s.length].lower() for s in hit.highlights] == ["corn-flakes"] * len(
            hit.highlights
        )
        assert hit.highlights
        assert (hit.channel_platform_id, hit.files) == (row.channel, len(row.record.attachments))
        assert hit.reactions == sum(given.count for given in row.record.reaction_totals)
        assert hit.parent_name == ("help" if row.channel == "60" else None)
    await way.store(message(900, content="Käse, kase; KASEKUCHEN"))
    (hit,) = (await search(db, way.tenant.id, SearchQuery(terms=(Term(text="kase", is_prefix=True),)))).hits
    assert hit.highlights == (Span(start=0, length=4), Span(start=6, length=4), Span(start=12, length=10))


async def test_a_page_stays_where_it_was_while_messages_come_in(db: Database, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    await way.store(*(message(n, content="apple") for n in range(1, 11)))
    query = SearchQuery(terms=(Term(text="apple"),))
    first = await search(db, way.tenant.id, query, limit=4)
    await way.store(*(message(n, content="apple") for n in range(11, 15)))
    second = await search(db, way.tenant.id, query, limit=4, cursor=first.next_cursor)
    assert [hit.platform_id for hit in (*first.hits, *second.hits)] == [str(n) for n in range(10, 2, -1)]
    for cursor in ("", "n.1", "x.1.1", "n.1.1.1", "n.1.1\n"):
        with pytest.raises(BadCursor):
            await search(db, way.tenant.id, query, cursor=cursor)
    assert len((await search(db, way.tenant.id, query, cursor=f"n.{10**18 - 1}.1")).hits) == 14
    assert (await search(db, way.tenant.id, query, cursor="o.1.1")).hits[0].platform_id == "1"


@pytest.mark.slow
async def test_a_page_by_relevance_goes_on_while_messages_come_in(db: Database, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    await continue_index(db, NOW)
    await way.store(*(message(n, content="apple pie" if n <= 40 else "egg") for n in range(1, 101)))
    query = SearchQuery(terms=(Term(text="apple"),))
    found: list[str] = []
    cursor = None
    for number in range(3):
        page = await search(db, way.tenant.id, query, order=Order.RELEVANCE, cursor=cursor, limit=10)
        found += [hit.platform_id for hit in page.hits]
        cursor = page.next_cursor
        await way.store(message(1_000 + number, content="egg" if number % 2 else "apple and more than a pie"))
    assert found == [str(n) for n in range(40, 10, -1)]
    await run_sql(db, "DELETE FROM messages WHERE platform_id = '11'")  # which ended the page
    page = await search(db, way.tenant.id, query, cursor=cursor, limit=10)
    assert page.hits
    await prepare_index(db, None, NOW)
    page = await search(db, way.tenant.id, SearchQuery(), cursor=cursor)  # which is no place in time
    assert (page.hits, page.is_cut, page.next_cursor) == ((), True, None)
    assert set(found).isdisjoint(hit.platform_id for hit in page.hits)


@pytest.mark.slow
async def test_far_times_are_found_in_their_order(db: Database, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    years = (1, 1969, 2014, 2015, 2026, 2151, 2152, 9998)
    records = [message(y, content="apple", sent_at=datetime(y, 1, 1, tzinfo=UTC)) for y in years]
    await way.store(*records)
    query = SearchQuery(terms=(Term(text="apple"),))
    for limit in (1, 3, 20):
        assert await all_hits(db, way.tenant.id, query, Order.OLDEST, limit) == [str(y) for y in years]
        assert await all_hits(db, way.tenant.id, query, Order.NEWEST, limit) == [str(y) for y in years[::-1]]


async def test_names_that_are_unclear_are_told_with_what_they_may_mean(db: Database, way: Way) -> None:
    await fill_for_search(way, number=80)
    elsewhere = await another(way)
    await elsewhere.store(message(1, author_hash=f"a1b2c3d4{'1' * 56}"), message(2, author_hash=f"ffffffff{'1' * 56}"))
    assert (await search(db, way.tenant.id, SearchQuery(filters=(Filter(field=Field.AUTHOR, value="ffffffff"),)))).hits

    async def refused(field: Field, value: str) -> UnclearFilter:
        with pytest.raises(UnclearFilter) as error:
            await search(db, way.tenant.id, SearchQuery(filters=(Filter(field=field, value=value),)))
        return error.value

    assert (await refused(Field.CHANNEL, "#help")).candidates == ("6 (text help)", "7 (text help)")
    assert 'no channel "nowhere"' in (await refused(Field.CHANNEL, "nowhere")).detail
    assert 'no thread "general"' in (await refused(Field.THREAD, "general")).detail
    assert (await refused(Field.AUTHOR, "a1b2c3d4")).candidates == (PEOPLE[1], PEOPLE[0])
    assert "1" in (await refused(Field.NEAR, "1")).detail


async def test_near_a_message_is_what_was_sent_in_its_channel_within_a_day(db: Database, way: Way) -> None:
    rows = await fill_for_search(way, number=80)
    middle = rows[0].record
    near_it = Filter(field=Field.NEAR, value=middle.platform_id)
    query = SearchQuery(filters=(near_it, Filter(field=Field.DELETED, value="any")))
    found = await all_hits(db, way.tenant.id, query, Order.NEWEST, 50)
    there = [row.record for row in rows if row.channel == rows[0].channel]
    near = {record.platform_id for record in there if abs(record.sent_at - middle.sent_at) < timedelta(days=1)}
    assert set(found) == near
    assert middle.platform_id in near


async def test_finding_nothing_is_explained(db: Database, way: Way) -> None:
    await fill_for_search(way, number=80)
    query = SearchQuery(terms=(Term(text="apple"), Term(text="nowhere"), Term(text="ham", is_excluded=True)))
    why = await explain(db, way.tenant.id, query, seconds=60)
    assert [term.text for term in why.absent] == ["nowhere"]
    assert [(each.name, each.skip_reason) for each in why.unread] == [("secret", "not_public")]
    assert why.unread_total == 1


async def test_without_an_index_there_are_filters(db: Database, way: Way) -> None:
    await way.store(message(1, content="🔥 it"))
    assert (await search(db, way.tenant.id, SearchQuery(terms=(Term(text="🔥"),)))).hits
    with pytest.raises(NoIndex):
        await search(db, way.tenant.id, SearchQuery(terms=(Term(text="it"),)))


async def test_what_is_a_word_for_one_database_alone_is_looked_for_in_each_message(db: Database, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    await continue_index(db, NOW)
    await way.store(message(1, content="half ½ cup"), message(2, content="full cup"), message(3, content="①"))
    cup, half, first = Term(text="cup"), Term(text="½"), Term(text="①")
    for terms, expected in (((half,), "1"), ((cup, half), "1"), ((cup, replace(half, is_excluded=True)), "2")):
        (hit,) = (await search(db, way.tenant.id, SearchQuery(terms=terms))).hits
        assert hit.platform_id == expected
    assert [hit.platform_id for hit in (await search(db, way.tenant.id, SearchQuery(terms=(first,)))).hits] == ["3"]


async def test_with_trigrams_parts_of_words_are_found(db: Database, way: Way) -> None:
    texts = ["Pineapple pie", "APPLE", "100% pie_chart", "日本語のテスト", "a\\b", "apply"]
    await way.store(*(message(n, content=text) for n, text in enumerate(texts[:3], 1)))
    await index_all(db, "trigrams")
    await way.store(*(message(n, content=text) for n, text in enumerate(texts[3:], 4)))

    async def found(*terms: Term) -> list[str]:
        hits = await all_hits(db, way.tenant.id, SearchQuery(terms=terms), Order.OLDEST, 3)
        return [texts[int(hit) - 1] for hit in hits]

    assert await found(Term(text="apple")) == ["Pineapple pie", "APPLE"]
    assert await found(Term(text="pl", is_prefix=True)) == ["Pineapple pie", "APPLE", "apply"]
    assert await found(Term(text="appl"), Term(text="pine", is_excluded=True)) == ["APPLE", "apply"]
    assert await found(Term(text="日本")) == await found(Term(text="語のテ")) == ["日本語のテスト"]
    assert await found(Term(text="0% pie_")) == ["100% pie_chart"]
    assert await found(Term(text="_")) == ["100% pie_chart"]
    assert await found(Term(text="\\")) == ["a\\b"]
    assert await found(Term(text="e p")) == ["Pineapple pie"]
