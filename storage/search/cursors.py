"""Where a page of hits ended, as a text that the next request brings back."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from storage.search.model import BadCursor, Order

CURSOR_PATTERN = r"^[nor]\.-?[0-9]{1,18}\.[0-9]{1,18}$"
"""What a cursor looks like. Its letter is the order of its page, which the next page keeps."""

_LETTERS = {Order.NEWEST: "n", Order.OLDEST: "o", Order.RELEVANCE: "r"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Behind which message a page goes on: by the time it was sent at, then by ``messages.id``."""

    sent_at: datetime
    id: int

    def to_cursor(self, order: Order) -> str:
        """Write it as a cursor."""
        return f"{_LETTERS[order]}.{(self.sent_at - _EPOCH) // _MICROSECOND}.{self.id}"


def place_of(cursor: str) -> Place:
    """Read the cursor of a page by time.

    Raises:
        BadCursor: it is none.
    """
    _, time, number = _parts(cursor)
    try:
        return Place(sent_at=_EPOCH + time * _MICROSECOND, id=number)
    except OverflowError:  # made up: nothing was sent before or after it
        return Place(sent_at=_LAST if time > 0 else _FIRST, id=number)


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """How well a message fits, in millionths: the lower the better; then the newer one comes first."""

    score: int
    minus_id: int

    def to_cursor(self) -> str:
        """Write it as a cursor."""
        return f"{_LETTERS[Order.RELEVANCE]}.{self.score}.{-self.minus_id}"


def rank_of(cursor: str) -> Rank:
    """Read the cursor of a page by relevance.

    Raises:
        BadCursor: it is none.
    """
    _, score, number = _parts(cursor)
    return Rank(score, -number)


def order_of(cursor: str) -> Order:
    """Return the order of the page that a cursor belongs to.

    Raises:
        BadCursor: it is none.
    """
    return _parts(cursor)[0]


def _parts(cursor: str) -> tuple[Order, int, int]:
    if not re.fullmatch(CURSOR_PATTERN, cursor, re.ASCII):
        raise BadCursor
    letter, first, second = cursor.split(".")
    order = next(order for order, its_letter in _LETTERS.items() if its_letter == letter)
    return order, int(first), int(second)
