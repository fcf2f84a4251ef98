"""Why nothing was found: words that nobody wrote, channels that are not archived, words that are kept no longer."""

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
from storage.tables import channels, content_retention

_MOST_WORDS, _MOST_CHANNELS = 8, 20
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
    unknown: tuple[Term, ...]  # whether any does is not known: it takes too long, or not all is indexed yet
    present: int  # how many of the words some message holds
    unread: tuple[UnreadChannel, ...]  # the first of them
    unread_total: int
    content_before: datetime | None  # of messages sent before, no words are kept


async def explain(db: Database, tenant_id: str, query: SearchQuery, *, seconds: float = 0.5) -> Explanation:
    """Find out why a search of a tenant may have found nothing; each word is looked for so long at most."""
    wanted = [term for term in query.terms if not term.is_excluded]
    found = {term: await _is_absent(db, tenant_id, term, seconds) for term in wanted[:_MOST_WORDS]}
    unread, total = await _unread(db, tenant_id)
    return Explanation(
        absent=tuple(term for term, is_absent in found.items() if is_absent),
        unknown=tuple(term for term in wanted if found.get(term) is None),
        present=sum(is_absent is False for is_absent in found.values()),
        unread=tuple(unread),
        unread_total=total,
        content_before=await _content_before(db, tenant_id),
    )


async def _is_absent(db: Database, tenant_id: str, term: Term, seconds: float) -> bool | None:
    """Find out whether no message holds a word; None where that takes too long, or not all is indexed yet."""
    alone = SearchQuery(terms=(term,), filters=(_DELETED_TOO,))
    page = await search(db, tenant_id, alone, limit=1, seconds=seconds)
    if page.hits:
        return False
    return None if page.is_cut or not page.index.is_ready else True


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


_CONTENT_BEFORE = select(content_retention.c.content_before).where(content_retention.c.tenant_id == TENANT_ID)


@finish_before_cancel
async def _content_before(db: Database, tenant_id: str) -> datetime | None:
    async with db.reading() as connection:
        return (await connection.execute(_CONTENT_BEFORE, {"tenant": tenant_id})).scalar_one_or_none()
