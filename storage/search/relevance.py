"""A page of hits in the order of how well they fit, where there are few enough to compare them all."""

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, literal, select, text
from sqlalchemy.types import Integer

from storage.messages import ID_BITS
from storage.search.candidates import second_of
from storage.search.conditions import Conditions
from storage.search.cursors import Rank
from storage.search.hits import GIVEN, as_ids
from storage.search.limits import LimitedReader
from storage.search.walk import MOST_COMPARED
from storage.search.words import Words
from storage.sql import LIMIT
from storage.tables import MESSAGE_SEARCH, messages

_RANKED = text(
    f"SELECT rowid, rank FROM {MESSAGE_SEARCH} WHERE {MESSAGE_SEARCH} MATCH :match"  # noqa: S608 # no value
    " AND rowid BETWEEN :first AND :last LIMIT :limit"
).bindparams(bindparam("first", type_=Integer), bindparam("last", type_=Integer))
_MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """What fits best, behind a rank."""

    ids: tuple[int, ...]  # messages.id, in order
    rest: Rank | None  # behind which to go on; None: there is nothing more


async def ranked(
    reader: LimitedReader, conditions: Conditions, words: Words, behind: Rank | None, limit: int
) -> Ranked | None:
    """Compare all hits and return a page of the best; None where there are too many, or nothing to compare them by.

    Raises:
        QueryTooLong: it took too long.
    """
    scores = await _scores(reader, conditions, words)
    if scores is None:
        return None
    wanted = await _that_apply(reader, conditions, words, list(scores))
    ranks = sorted(Rank(scores[each], -each) for each in wanted)
    left = _behind(ranks, behind)
    page = left[:limit]
    return Ranked(ids=tuple(-rank.minus_id for rank in page), rest=page[-1] if len(left) > limit else None)


def _behind(ranks: list[Rank], place: Rank | None) -> list[Rank]:
    """Go on behind the message that a place names: its score moves with every message that comes in, on SQLite."""
    if place is None:
        return ranks
    at = next((number for number, rank in enumerate(ranks, 1) if rank.minus_id == place.minus_id), None)
    return [rank for rank in ranks if rank > place] if at is None else ranks[at:]


async def _scores(reader: LimitedReader, conditions: Conditions, words: Words) -> dict[int, int] | None:
    most = MOST_COMPARED + 1
    if words.match is not None:
        span = conditions.span
        first = second_of(span.since) << ID_BITS if span.since else 0
        last = ((second_of(span.until) + 1) << ID_BITS) - 1 if span.until else 2**63 - 1
        values = {"match": words.match, "first": first, "last": last, "limit": most}
        rows = await reader.rows(_RANKED, values)
        found = {row["rowid"] & ((1 << ID_BITS) - 1): int(row["rank"] * _MILLIONTHS) for row in rows}
    elif words.indexed is not None and words.rank is not None:
        statement = select(messages.c.id, words.rank.label("rank")).where(words.indexed).limit(LIMIT)
        rows = await reader.rows(statement, {"limit": most}, by_words=True)
        found = {row["id"]: -int(row["rank"] * _MILLIONTHS) for row in rows}
    else:
        return None
    return found if len(found) < most else None


async def _that_apply(reader: LimitedReader, conditions: Conditions, words: Words, ids: list[int]) -> list[int]:
    is_own = messages.c.tenant_id.concat(literal("")) == conditions.tenant_id
    applies = and_(is_own, conditions.all(), *words.others)
    statement = select(messages.c.id).select_from(GIVEN).where(applies)
    return [row["id"] for row in await reader.rows(statement, {"ids": as_ids(ids)})]
