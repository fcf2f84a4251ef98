"""Messages in the order of their times, a bite at a time, as far as an index alone can tell them apart.

A bite is small enough to be read in tenths of a second, so that a search that finds little can be ended between two of
them, and gone on with later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select, text

from storage.messages import EPOCH, ID_BITS, LATEST
from storage.search.cursors import Place
from storage.search.limits import LimitedReader
from storage.search.model import TimeSpan
from storage.sql import LIMIT, TENANT_ID
from storage.tables import MESSAGE_SEARCH, messages

_EPOCH = datetime.fromtimestamp(EPOCH, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bite:
    """Some candidates, all of those up to a place."""

    ids: Sequence[int]  # messages.id
    rest: "Candidates | None"  # those behind; None: there are no more
    place: Place | None  # behind which the rest begins; None where nothing is left


class Candidates(Protocol):
    """What is left of the candidates."""

    async def bite(self, reader: LimitedReader, size: int) -> Bite:
        """Take about so many of them."""


def is_behind(place: Place, *, newest_first: bool) -> ColumnElement[bool]:
    """Build the condition that a message comes after a place."""
    sent_at, its_id = messages.c.sent_at, messages.c.id
    if newest_first:
        return and_(sent_at <= place.sent_at, or_(sent_at < place.sent_at, its_id < place.id))
    return and_(sent_at >= place.sent_at, or_(sent_at > place.sent_at, its_id > place.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTenant:
    """All messages of a tenant within a time, by the index over their times."""

    tenant_id: str
    span: TimeSpan
    newest_first: bool
    behind: Place | None = None

    async def bite(self, reader: LimitedReader, size: int) -> Bite:
        """Take some of them."""
        rows = await reader.rows(self._statement(), {"tenant": self.tenant_id, "limit": size})
        ids = [row["id"] for row in rows]
        if len(rows) < size:
            return Bite(ids=ids, rest=None, place=None)
        place = Place(sent_at=rows[-1]["sent_at"], id=ids[-1])
        return Bite(ids=ids, rest=replace(self, behind=place), place=place)

    def _statement(self) -> Select[tuple[int, datetime]]:
        statement = select(messages.c.id, messages.c.sent_at).where(messages.c.tenant_id == TENANT_ID).limit(LIMIT)
        if self.span.since:
            statement = statement.where(messages.c.sent_at >= self.span.since)
        if self.span.until:
            statement = statement.where(messages.c.sent_at < self.span.until)
        if self.behind:
            statement = statement.where(is_behind(self.behind, newest_first=self.newest_first))
        if self.newest_first:
            return statement.order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        return statement.order_by(messages.c.sent_at, messages.c.id)


_FIRST, _LAST = bindparam("first", type_=Integer), bindparam("last", type_=Integer)
_FOUND = f"SELECT rowid FROM {MESSAGE_SEARCH} WHERE {MESSAGE_SEARCH} MATCH :match AND rowid BETWEEN :first AND :last"  # noqa: S608 # no value
_NEWEST = text(f"{_FOUND} ORDER BY rowid DESC LIMIT :limit").bindparams(_FIRST, _LAST)
_OLDEST = text(f"{_FOUND} ORDER BY rowid LIMIT :limit").bindparams(_FIRST, _LAST)
_ANY_NUMBER = -1  # SQLite's word for no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class OfIndex:
    """On SQLite: what the index of words finds, of all tenants, from one second to another."""

    match: str
    newest_first: bool
    first: int = 0  # seconds since the index's epoch, both inclusive
    last: int = LATEST

    @classmethod
    def beginning(cls, match: str, span: TimeSpan, behind: Place | None, *, newest_first: bool) -> "OfIndex":
        """Begin within a time and at a place, both to the second."""
        first = second_of(span.since) if span.since else 0
        last = second_of(span.until) if span.until else LATEST
        if behind:
            at = second_of(behind.sent_at)
            first, last = (first, min(last, at)) if newest_first else (max(first, at), last)
        return cls(match=match, newest_first=newest_first, first=first, last=last)

    async def bite(self, reader: LimitedReader, size: int) -> Bite:
        """Take some of them: whole seconds, because within one the index has no order."""
        found = await self._read(reader, self.first, self.last, size + 1)
        if len(found) <= size:
            return Bite(ids=_ids(found), rest=None, place=None)
        end = found[-1] >> ID_BITS
        whole = [place for place in found if place >> ID_BITS != end]
        if whole:
            return self._bite(whole, end)
        found = await self._read(reader, end, end, _ANY_NUMBER)
        following = end - 1 if self.newest_first else end + 1
        if not self.first <= following <= self.last:
            return Bite(ids=_ids(found), rest=None, place=None)
        return self._bite(found, following)

    def _bite(self, found: Sequence[int], following: int) -> Bite:
        """Go on with a second."""
        if self.newest_first:
            place = Place(sent_at=_EPOCH + timedelta(seconds=following + 1), id=0)
            return Bite(ids=_ids(found), rest=replace(self, last=following), place=place)
        place = Place(sent_at=_EPOCH + timedelta(seconds=following), id=0)
        return Bite(ids=_ids(found), rest=replace(self, first=following), place=place)

    async def _read(self, reader: LimitedReader, first: int, last: int, limit: int) -> list[int]:
        values = {"match": self.match, "first": first << ID_BITS, "last": ((last + 1) << ID_BITS) - 1, "limit": limit}
        return [row["rowid"] for row in await reader.rows(_NEWEST if self.newest_first else _OLDEST, values)]


def second_of(moment: datetime) -> int:
    """Return the second by which the index knows a time: what is outside of its range is at its ends."""
    return min(max((moment - _EPOCH) // timedelta(seconds=1), 0), LATEST)


def _ids(places: Sequence[int]) -> list[int]:
    return [place & ((1 << ID_BITS) - 1) for place in places]
