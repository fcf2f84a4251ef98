"""A page of hits in the order of their times.

Candidates are taken in that order and looked at, until the page is full: that is quick where hits are common. Where
they turn out to be rare, and something that is asked for applies to few messages, those are all looked at instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, true

from storage.errors import QueryTooLong
from storage.search.candidates import Bite, Candidates, OfIndex, OfTenant, is_behind
from storage.search.conditions import Conditions
from storage.search.cursors import Place
from storage.search.hits import GIVEN, as_ids
from storage.search.limits import LimitedReader
from storage.search.words import Words, in_index
from storage.tables import messages

MOST_COMPARED = 20_000
"""So many messages can be looked at and sorted at once: tenths of a second."""

_MOST_IN_BITE = 5_000
_FEW_ON_SQLITE, _FEW_ON_POSTGRES = 5_000, 250  # candidates, after which it is asked whether hits are rare,
_RARE = 100  # where there was none in so many of them
_MOST_ASKED_ONE_BY_ONE = 4_000  # of SQLite's index
_LEAST_SECONDS = 0.2  # for one more bite

Statement: TypeAlias = Select[tuple[int, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a walk found."""

    ids: tuple[int, ...]  # messages.id, in order
    rest: Place | None  # behind which to go on; None: there is nothing more, or no place was reached
    is_cut: bool = False  # by the time limit


@dataclass(slots=True, kw_only=True)
class Walk:
    """A search in the order of time, behind a place."""

    reader: LimitedReader
    conditions: Conditions
    words: Words
    newest_first: bool
    place: Place | None
    limit: int
    can_ask_index: bool  # on PostgreSQL: the index is ready

    async def run(self) -> Walked:
        """Find a page of messages, or what there is of it when the time is over."""
        found: list[Place] = []
        try:
            await self._fill(found)
        except QueryTooLong:
            return Walked(ids=tuple(each.id for each in found), rest=self.place, is_cut=True)
        ids = tuple(each.id for each in found[: self.limit])
        return Walked(ids=ids, rest=found[self.limit - 1] if len(found) > self.limit else None)

    async def _fill(self, found: list[Place]) -> None:
        """Add what is found, and move the place behind what was looked at."""
        rest: Candidates | None = self._candidates()
        size, looked_at, is_narrowed = self.limit + 1, 0, False
        while rest is not None and len(found) <= self.limit:
            if looked_at and self.reader.seconds_left < _LEAST_SECONDS:
                raise QueryTooLong
            bite = await rest.bite(self.reader, size)
            found += await self._look_at(bite, self.limit + 1 - len(found))
            rest, looked_at, size = bite.rest, looked_at + len(bite.ids), min(4 * size, _MOST_IN_BITE)
            if rest is None or len(found) > self.limit:
                return
            self.place = bite.place
            few = _FEW_ON_SQLITE if self.reader.dialect == "sqlite" else _FEW_ON_POSTGRES
            if looked_at >= max(few, _RARE * len(found)) and not is_narrowed:
                is_narrowed = True
                if (driver := await self._rare()) is not None:
                    found += await self._all_of(driver, self.limit + 1 - len(found))
                    return

    def _candidates(self) -> Candidates:
        span, behind = self.conditions.span, self.place
        if self.words.match is not None:
            return OfIndex.beginning(self.words.match, span, behind, newest_first=self.newest_first)
        return OfTenant(tenant_id=self.conditions.tenant_id, span=span, newest_first=self.newest_first, behind=behind)

    async def _look_at(self, bite: Bite, limit: int) -> list[Place]:
        if not bite.ids:
            return []
        statement = self._page(and_(*self._looked_at()), limit).select_from(GIVEN)
        return await self._read(statement, {"ids": as_ids(bite.ids)})

    def _looked_at(self) -> Iterator[ColumnElement[bool]]:
        yield self.conditions.all()
        yield from self.words.others
        if self.words.indexed is not None:
            yield self.words.indexed

    def _page(self, wanted: ColumnElement[bool], limit: int) -> Statement:
        """Read keys in order. The tenant is compared in a way that lets no index of the tenant's messages be used."""
        is_own = messages.c.tenant_id.concat(literal("")) == self.conditions.tenant_id
        behind = is_behind(self.place, newest_first=self.newest_first) if self.place else true()
        statement = select(messages.c.id, messages.c.sent_at).where(wanted, is_own, behind).limit(limit)
        if self.newest_first:
            return statement.order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        return statement.order_by(messages.c.sent_at, messages.c.id)

    async def _read(self, statement: Statement, values: Mapping[str, object], *, by_words: bool = False) -> list[Place]:
        rows = await self.reader.rows(statement, values, by_words=by_words)
        return [Place(sent_at=row["sent_at"], id=row["id"]) for row in rows]

    async def _rare(self) -> ColumnElement[bool] | None:
        """Find something asked for that applies to few messages and that an index answers.

        Each count may take half of the time that is left, so that the walk can go on where one takes long.
        """
        most = _MOST_ASKED_ONE_BY_ONE if self.words.match is not None else MOST_COMPARED
        for driver in self._drivers():
            rows = await self.reader.rows_within(self.reader.seconds_left / 2, count_up_to(driver, most + 1))
            if rows is not None and rows[0]["number"] <= most:
                return driver
        return None

    def _drivers(self) -> Sequence[ColumnElement[bool]]:
        drivers = list(self.conditions.narrow)
        if self.words.indexed is not None and self.can_ask_index:
            drivers.append(self.words.indexed)
        if self.words.match is not None:
            drivers.append(messages.c.tenant_id == self.conditions.tenant_id)
        return [*drivers, and_(*drivers)] if len(drivers) > 1 else drivers  # each may be frequent, and both seldom

    async def _all_of(self, driver: ColumnElement[bool], limit: int) -> list[Place]:
        wanted = and_(driver, *self._looked_at())
        if self.words.match is not None:
            wanted = and_(wanted, in_index(self.words.match))
        return await self._read(self._page(wanted, limit), {}, by_words=True)


def count_up_to(condition: ColumnElement[bool], most: int) -> Select[Any]:
    """Build the count of messages to which a condition applies, which ends at a number."""
    some = select(messages.c.id).where(condition).limit(most).subquery("few")
    return select(func.count().label("number")).select_from(some)
