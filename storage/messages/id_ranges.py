"""Ranges of messages by their ids, which are numbers, over an index that orders them as text.

Among ids of one length both orders are the same, so a range is looked up length by length. Numbers of several whole
lengths, of which a platform's ids have few or none, are looked up together.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias, overload

from sqlalchemy import ColumnElement, and_, bindparam, func
from sqlalchemy.types import Integer

from adapters.ids import number
from storage.sql import Id, RowId
from storage.tables import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """Ids between two texts, of lengths between two numbers."""

    low: str  # exclusive
    high: str  # inclusive
    shortest: int
    longest: int

    def as_values(self) -> dict[str, object]:
        """Return the parameters of ``IN_RANGE``, except the channel."""
        return asdict(self)


def in_range(channel_id: ColumnElement[Any], message_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Build the SQL condition that a message of a channel lies in a range."""
    return and_(
        channel_id == bindparam("channel", type_=RowId),
        message_id > bindparam("low", type_=Id),
        message_id <= bindparam("high", type_=Id),
        func.length(message_id, type_=Integer).between(
            bindparam("shortest", type_=Integer), bindparam("longest", type_=Integer)
        ),
    )


IN_RANGE: ColumnElement[bool] = in_range(messages.c.channel_id, messages.c.platform_id)
"""SQL condition: a stored message of a channel lies in a range."""


def split_by_length(after_id: str | None, until_id: str) -> Iterator[IdRange]:
    """Split the range from ``after_id`` (exclusive; None: from the first) to ``until_id`` by the length of the ids."""
    first, long = number(after_id), len(until_id)
    if first >= number(until_id):
        return
    after, short = str(first), len(str(first)) if first else 0
    if short == long:
        yield IdRange(low=after, high=until_id, shortest=long, longest=long)
        return
    if short:
        yield IdRange(low=after, high="9" * short, shortest=short, longest=short)
    if long - short > 1:
        yield IdRange(low="", high="9" * (long - 1), shortest=short + 1, longest=long - 1)
    # The first one of a length is 10...0, and nothing lies between it and the same with one digit less.
    yield IdRange(low="1" + "0" * (long - 2) if long > 1 else "0", high=until_id, shortest=long, longest=long)


def lesser(one: str | None, other: str | None) -> str | None:
    """Return the lower of two ids; None is lower than all."""
    return min(one, other, key=number)


Newest: TypeAlias = tuple[str, datetime]
"""The platform's id of the newest one of some messages, and when it was sent."""


@overload
def later(one: Newest | None, other: Newest) -> Newest: ...


@overload
def later(one: Newest | None, other: Newest | None) -> Newest | None: ...


def later(one: Newest | None, other: Newest | None) -> Newest | None:
    """Return the newer one of two."""
    return max(one, other, key=lambda newest: number(newest[0])) if one and other else one or other
