"""Searching: a page of hits, by time or by relevance, within a time limit."""

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import QueryTooLong
from storage.search.conditions import Conditions, conditions_of
from storage.search.cursors import Place, order_of, place_of, rank_of
from storage.search.hits import read_hits
from storage.search.index import IndexState, index_state
from storage.search.limits import LimitedReader, limited_reading
from storage.search.model import NoIndex, Order, Page, SearchQuery
from storage.search.relevance import Ranked, ranked
from storage.search.walk import Walk, Walked
from storage.search.words import Words, has_words, words_of

SEARCH_SECONDS = 3.0
"""How long a search may take."""

_SECONDS_TO_SHOW = 1.0  # on top of them, for reading the hits that were found


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
    """Find messages of a tenant. New messages that come in meanwhile do not move what later pages show.

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
    """
    index = await index_state(db)
    if index.kind is None and any(map(has_words, query.terms)):
        raise NoIndex
    if cursor is not None:
        order = order_of(cursor)
    words = words_of(query.terms, index.kind or "words", db.dialect)
    found: Walked | Ranked | None = None
    async with limited_reading(db, seconds) as reader:
        conditions = await conditions_of(reader, tenant_id, query)
        if order is Order.RELEVANCE:
            found = await _by_relevance(reader, conditions, words, cursor, limit)
        if found is None:
            order = Order.NEWEST if order is Order.RELEVANCE else order
            place = place_of(cursor) if cursor else None
            found = await _by_time(reader, conditions, words, order, place, limit, index)
        has_time = reader.seconds_left > _SECONDS_TO_SHOW
        hits = await read_hits(reader, found.ids, query.terms, index.kind) if has_time else ()
    if not has_time and found.ids:
        async with limited_reading(db, _SECONDS_TO_SHOW) as reader:
            hits = await read_hits(reader, found.ids, query.terms, index.kind)
    return Page(
        hits=hits,
        order=order,
        next_cursor=_cursor(found, order),
        is_cut=isinstance(found, Walked) and found.is_cut,
        searched_until=found.rest.sent_at if isinstance(found, Walked) and found.is_cut and found.rest else None,
        index=index,
    )


async def _by_relevance(
    reader: LimitedReader, conditions: Conditions, words: Words, cursor: str | None, limit: int
) -> Ranked | None:
    behind = rank_of(cursor) if cursor else None
    try:
        return await ranked(reader, conditions, words, behind, limit)
    except QueryTooLong:
        if behind:
            raise
        return None


async def _by_time(
    reader: LimitedReader,
    conditions: Conditions,
    words: Words,
    order: Order,
    place: Place | None,
    limit: int,
    index: IndexState,
) -> Walked:
    walk = Walk(
        reader=reader,
        conditions=conditions,
        words=words,
        newest_first=order is Order.NEWEST,
        place=place,
        limit=limit,
        can_ask_index=index.is_ready,
    )
    return await walk.run()


def _cursor(found: Walked | Ranked, order: Order) -> str | None:
    if found.rest is None:
        return None
    return found.rest.to_cursor(order) if isinstance(found.rest, Place) else found.rest.to_cursor()
