"""Why nothing was found: words that nobody wrote, and channels that are not archived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select

from adapters.records import SkipReason
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.search.model import Field, Filter, SearchQuery, Term
from storage.search.pages import search
from storage.sql import LIMIT, TENANT_ID, all_rows
from storage.tables import channels

_MOST_WORDS, _MOST_CHANNELS = 8, 20
_SECONDS = 0.5  # for each word
_DELETED_TOO = Filter(field=Field.DELETED, value="any")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadChannel:
    """A channel that is not archived, or not any more."""

    platform_id: str
    name: str | None
    type: str
    skip_reason: SkipReason
    skipped_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a search may have found nothing."""

    absent: tuple[Term, ...]  # no message of the tenant holds them, deleted ones and all channels included
    unread: tuple[UnreadChannel, ...]  # the first of them
    unread_total: int


async def explain(db: Database, tenant_id: str, query: SearchQuery) -> Explanation:
    """Find out why a search of a tenant may have found nothing."""
    absent = [term for term in query.terms[:_MOST_WORDS] if await _is_absent(db, tenant_id, term)]
    unread, total = await _unread(db, tenant_id)
    return Explanation(absent=tuple(absent), unread=tuple(unread), unread_total=total)


async def _is_absent(db: Database, tenant_id: str, term: Term) -> bool:
    if term.is_excluded:
        return False
    alone = SearchQuery(terms=(term,), filters=(_DELETED_TOO,))
    page = await search(db, tenant_id, alone, limit=1, seconds=_SECONDS)
    return not page.hits and not page.is_cut


_IS_UNREAD = and_(
    channels.c.tenant_id == TENANT_ID,
    channels.c.sync_state == "skipped",
    channels.c.type.in_(["text", "forum", "thread"]),
)
_UNREAD: Select[tuple[object, ...]] = (
    select(channels.c.platform_id, channels.c.name, channels.c.type, channels.c.skip_reason, channels.c.skipped_since)
    .where(_IS_UNREAD)
    .order_by(channels.c.type == "thread", channels.c.id)
    .limit(LIMIT)
)
_COUNT = select(func.count()).select_from(channels).where(_IS_UNREAD)


@finish_before_cancel
async def _unread(db: Database, tenant_id: str) -> tuple[Sequence[UnreadChannel], int]:
    async with db.reading() as connection:
        rows = await all_rows(connection, _UNREAD, {"tenant": tenant_id, "limit": _MOST_CHANNELS})
        total = (await connection.execute(_COUNT, {"tenant": tenant_id})).scalar_one()
    found = [UnreadChannel(**{**row, "skip_reason": SkipReason(row["skip_reason"])}) for row in rows]
    return found, total
