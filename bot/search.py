"""Searching the archive by what was typed into the one box: for the API, the pages and the command line."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.search_query import mistyped_filters, parse_query
from storage import search
from storage.database import Database
from storage.search import Explanation, Order, Page

_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of hits; on a first page without any, why that may be."""

    page: Page
    explanation: Explanation | None
    mistyped: Mapping[str, str] = field(default_factory=dict)  # filters that may be meant, by what was typed


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches, at most two at a time: the rest of the connections are for all else."""

    db: Database
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def search(
        self,
        tenant_id: str,
        text: str,
        *,
        order: Order = Order.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Found:
        """Find messages of a tenant.

        Args:
            tenant_id: ``tenants.id``.
            text: what was typed, in the language of ``bot/search_query.py``.
            order: in which order.
            cursor: the ``next_cursor`` of the page before, whose order it keeps.
            limit: how many hits at most.

        Raises:
            BadQuery: the text cannot be read.
            UnclearFilter: a filter's value means nothing in this tenant, or several things.
            NoIndex: words are searched for, and there is no index.
            BadCursor: the cursor is none.
            QueryTooLong: what the filters name could not be looked up in time.
        """
        query = parse_query(text)
        async with self._turns:
            page = await search.search(self.db, tenant_id, query, order=order, cursor=cursor, limit=limit)
            is_empty = not page.hits and not page.is_cut and cursor is None
            explanation = await search.explain(self.db, tenant_id, query) if is_empty else None
        return Found(page=page, explanation=explanation, mistyped=mistyped_filters(text) if explanation else {})
