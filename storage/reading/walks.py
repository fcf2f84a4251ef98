"""Walking through a channel's messages in their order, forth and back, from any place in it.

The order is that of the times at which they were sent, which an index has, and for one instant that of the numbers
that their ids are. Both agree: ids are given in the order of sending.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from adapters.ids import number
from storage.reading.model import ShownMessage
from storage.reading.rows import SHOWN_MESSAGES, load_hanging
from storage.sql import CHANNEL_ID, LIMIT, MESSAGE_PLATFORM_ID, Id, UtcDateTime, all_rows, one_row
from storage.tables import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a channel: at a message, stored or not, or where ``message_id`` is None before all of an instant."""

    at: datetime
    message_id: str | None = None

    def as_values(self) -> dict[str, object]:
        """Return the parameters of a walk that begins here."""
        return {"at": self.at, "digits": len(self.message_id or ""), "beside": self.message_id or ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOutline:
    """Where a message stands in its channel, and who wrote it."""

    platform_id: str
    sent_at: datetime
    author_hash: str | None
    deleted_at: datetime | None


FIRST = Position(at=datetime.min.replace(tzinfo=UTC))
"""Before all messages."""

LAST = Position(at=datetime.max.replace(tzinfo=UTC), message_id="9" * 19)
"""Behind all messages."""

_AT, _DIGITS = bindparam("at", type_=UtcDateTime), bindparam("digits", type_=Integer)
_BESIDE = bindparam("beside", type_=Id)
_digits = func.length(messages.c.platform_id, type_=Integer)
_ORDER: tuple[ColumnElement[Any], ...] = (messages.c.sent_at, _digits, messages.c.platform_id)
_is_of_channel = messages.c.channel_id == CHANNEL_ID
_same_digits = _digits == _DIGITS
_BACK = (
    SHOWN_MESSAGES.where(_is_of_channel, messages.c.sent_at <= _AT)
    .where(
        or_(messages.c.sent_at < _AT, _digits < _DIGITS, and_(_same_digits, messages.c.platform_id < _BESIDE)),
    )
    .order_by(*(column.desc() for column in _ORDER))
    .limit(LIMIT)
)
_is_behind = or_(messages.c.sent_at > _AT, _digits > _DIGITS, and_(_same_digits, messages.c.platform_id > _BESIDE))
_OUTLINES = (
    select(*(messages.c[name] for name in ("platform_id", "sent_at", "author_hash", "deleted_at")))
    .where(_is_of_channel, messages.c.sent_at >= _AT, _is_behind)
    .order_by(*_ORDER)
    .limit(LIMIT)
)
_FORTH = SHOWN_MESSAGES.where(_is_of_channel, messages.c.sent_at >= _AT, _is_behind).order_by(*_ORDER).limit(LIMIT)
_TIME = select(messages.c.sent_at).where(_is_of_channel, messages.c.platform_id == MESSAGE_PLATFORM_ID)
_OLDEST = select(messages.c.platform_id, messages.c.sent_at).where(_is_of_channel).order_by(*_ORDER).limit(1)
_NEXT = _OLDEST.where(messages.c.sent_at >= _AT)
_NEWEST = (
    select(messages.c.platform_id, messages.c.sent_at)
    .where(_is_of_channel)
    .order_by(*(column.desc() for column in _ORDER))
    .limit(1)
)
_INSTANT = timedelta(microseconds=1)


async def walk_back(connection: AsyncConnection, channel_id: int, start: Position, limit: int) -> list[ShownMessage]:
    """Load the messages before a position, the newest first; deleted ones are among them."""
    rows = await all_rows(connection, _BACK, {"channel": channel_id, "limit": limit, **start.as_values()})
    return await load_hanging(connection, rows)


async def walk_forth(connection: AsyncConnection, channel_id: int, start: Position, limit: int) -> list[ShownMessage]:
    """Load the messages behind a position, the oldest first; deleted ones are among them."""
    rows = await all_rows(connection, _FORTH, {"channel": channel_id, "limit": limit, **start.as_values()})
    return await load_hanging(connection, rows)


async def channel_pages(
    connection: AsyncConnection,
    channel_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    size: int = 1_000,
) -> AsyncIterator[list[ShownMessage]]:
    """Walk through a channel from its oldest message, in flat memory; on a snapshot all that is read is of one instant.

    Args:
        connection: the caller's.
        channel_id: ``channels.id``.
        since: only what was sent then or later; None: from the first.
        until: only what was sent before; None: to the newest.
        size: how many messages a page holds.

    Yields:
        Messages, deleted ones among them.
    """
    place, is_last = FIRST if since is None else Position(at=since), False
    while not is_last:
        page = await walk_forth(connection, channel_id, place, size)
        within = page if until is None else [message for message in page if message.sent_at < until]
        is_last = len(within) < size
        if within:
            place = position_of(within[-1])
            yield within


async def outlines(connection: AsyncConnection, channel_id: int, start: Position, limit: int) -> list[MessageOutline]:
    """Load where messages behind a position stand, the oldest first; deleted ones are among them."""
    rows = await all_rows(connection, _OUTLINES, {"channel": channel_id, "limit": limit, **start.as_values()})
    return [MessageOutline(**row) for row in rows]


def position_of(message: ShownMessage | MessageOutline) -> Position:
    """Return where a message stands."""
    return Position(at=message.sent_at, message_id=message.platform_id)


async def find_position(connection: AsyncConnection, channel_id: int, message_id: str) -> Position:
    """Find where a message stands in its channel, or would stand if it were stored."""
    row = await one_row(connection, _TIME, {"channel": channel_id, "message": message_id})
    if row is not None:
        return Position(at=row["sent_at"], message_id=message_id)
    return Position(at=await _time_between(connection, channel_id, message_id), message_id=message_id)


async def _time_between(connection: AsyncConnection, channel_id: int, message_id: str) -> datetime:
    """Find by bisection when the first message with a higher id was sent: the id itself says no time."""
    ends = [await one_row(connection, query, {"channel": channel_id}) for query in (_OLDEST, _NEWEST)]
    if ends[0] is None or ends[1] is None or _is_before(message_id, ends[0]["platform_id"]):
        return FIRST.at
    low: datetime = ends[0]["sent_at"]
    high: datetime = ends[1]["sent_at"] + _INSTANT
    while low < high:
        middle = low + (high - low) / 2
        found = await one_row(connection, _NEXT, {"channel": channel_id, "at": middle})
        if found is None or _is_before(message_id, found["platform_id"]):
            high = middle
        else:
            low = found["sent_at"] + _INSTANT
    return high


def _is_before(one: str, other: str) -> bool:
    return number(one) < number(other)
