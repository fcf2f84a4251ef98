"""Searching: a page of hits, by time or by relevance, within a time limit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import RowMapping

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import QueryTooLong
from storage.search.conditions import conditions_of
from storage.search.cursors import order_of, place_of, rank_of
from storage.search.hits import hits_of, read_rows
from storage.search.index import IndexState, index_state
from storage.search.limits import limited_reading
from storage.search.model import Hit, NoIndex, Order, Page, SearchQuery
from storage.search.relevance import ranked
from storage.search.walk import Walk
from storage.search.words import Words, has_words, words_of

SEARCH_SECONDS = 3.0
"""How long a search may take."""

_SECONDS_TO_SHOW = 1.0  # for reading the hits that were found, on top of them where need be


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What a caller wants, and what it is asked of."""

    db: Database
    tenant_id: str
    query: SearchQuery
    words: Words
    index: IndexState
    order: Order
    cursor: str | None
    limit: int
    seconds: float


@finish_before_cancel
async def search(
    db: Database,
    tenant_id: str,
    query: SearchQuery,
    *,
    order: Order = Order.NEWEST,
    cursor: str | None = None,
    limit: int = 50,
    seconds: float = SEARCH_SECONDS,
) -> Page:
    """Find messages of a tenant. New messages that come in meanwhile do not move what later pages by time show.

    By relevance they move the scores of all on SQLite; a page goes on behind the message that ended the one before.

    Args:
        db: the archive.
        tenant_id: ``tenants.id``; an unknown one has no messages.
        query: what is searched for.
        order: in which order. By relevance only where there are few hits; the page says by what it is ordered.
        cursor: the ``next_cursor`` of the page before, whose order it keeps.
        limit: how many hits at most.
        seconds: how long it may take; what was found until then is returned, with where it was ended.

    Raises:
        UnclearFilter: a filter's value means nothing in this tenant, or several things.
        NoIndex: words are searched for, and there is no index.
        BadCursor: the cursor is none.
        QueryTooLong: what the filters name could not be looked up in time.
    """
    index = await index_state(db)
    if index.kind is None and any(map(has_words, query.terms)):
        raise NoIndex
    wanted = _Search(
        db=db,
        tenant_id=tenant_id,
        query=query,
        words=words_of(query.terms, index.kind or "words", db.dialect),
        index=index,
        order=order_of(cursor) if cursor is not None else order,
        cursor=cursor,
        limit=limit,
        seconds=seconds,
    )
    if wanted.order is not Order.RELEVANCE:
        return await _by_time(wanted)
    halved = replace(wanted, seconds=seconds / 2)
    return await _by_relevance(halved) or await _by_time(halved)


async def _by_relevance(wanted: _Search) -> Page | None:
    """Find a page of what fits best; None where it cannot be told, or not in time."""
    behind = rank_of(wanted.cursor) if wanted.cursor else None
    if not (wanted.index.is_ready or wanted.words.match):  # PostgreSQL would read every message
        return _unranked(wanted)
    try:
        async with limited_reading(wanted.db, wanted.seconds) as reader:
            conditions = await conditions_of(reader, wanted.tenant_id, wanted.query)
            found = await ranked(reader, conditions, wanted.words, behind, wanted.limit)
    except QueryTooLong:
        return _page(wanted, (), next_cursor=wanted.cursor, is_cut=True) if behind else None
    if found is None:
        return _unranked(wanted)
    hits = await _hits(wanted, found.ids)
    return _page(wanted, hits, next_cursor=found.rest.to_cursor() if found.rest else None)


def _unranked(wanted: _Search) -> Page | None:
    """On a later page, by when there are too many hits or no index, nothing tells what is behind the page before."""
    return _page(wanted, (), next_cursor=None, is_cut=True) if wanted.cursor else None


async def _by_time(wanted: _Search) -> Page:
    is_oldest_first = wanted.order is Order.OLDEST
    async with limited_reading(wanted.db, wanted.seconds) as reader:
        walk = Walk(
            reader=reader,
            conditions=await conditions_of(reader, wanted.tenant_id, wanted.query),
            words=wanted.words,
            newest_first=not is_oldest_first,
            place=place_of(wanted.cursor) if wanted.cursor else None,
            limit=wanted.limit,
            can_ask_index=wanted.index.is_ready,
        )
        found = await walk.run()
        rows = await read_rows(reader, found.ids) if reader.seconds_left > _SECONDS_TO_SHOW else None
    order = Order.OLDEST if is_oldest_first else Order.NEWEST
    return Page(
        hits=await _hits(wanted, found.ids, rows),
        order=order,
        next_cursor=found.rest.to_cursor(order) if found.rest else None,
        is_cut=found.is_cut,
        searched_until=found.rest.sent_at if found.is_cut and found.rest else None,
        index=wanted.index,
    )


async def _hits(wanted: _Search, ids: tuple[int, ...], rows: Sequence[RowMapping] | None = None) -> tuple[Hit, ...]:
    """Make hits of what was read of them, or read it; words are looked for in them while no connection is held."""
    if rows is None and ids:
        async with limited_reading(wanted.db, _SECONDS_TO_SHOW) as reader:
            rows = await read_rows(reader, ids)
    return await hits_of(rows or (), wanted.query.terms, wanted.index.kind)


def _page(wanted: _Search, hits: tuple[Hit, ...], *, next_cursor: str | None, is_cut: bool = False) -> Page:
    return Page(
        hits=hits,
        order=wanted.order,
        next_cursor=next_cursor,
        is_cut=is_cut,
        searched_until=None,
        index=wanted.index,
    )
