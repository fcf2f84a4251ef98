"""Windows into a channel: some messages in their order, and whether there are more on either side."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.ids import number
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reading.model import ShownChannel, ShownMessage
from storage.reading.walks import FIRST, LAST, Position, find_position, position_of, walk_back, walk_forth


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWindow:
    """Messages that follow each other in a channel, the oldest first; deleted ones are among them."""

    messages: tuple[ShownMessage, ...]
    has_older: bool
    has_newer: bool


@finish_before_cancel
async def messages_before(db: Database, channel: ShownChannel, message_id: str | None, limit: int) -> MessageWindow:
    """Load the messages before one, which need not be stored; None: the newest ones of the channel.

    Args:
        db: the archive.
        channel: whose messages.
        message_id: the platform's id.
        limit: how many at most.
    """
    async with db.asking() as connection:
        place = LAST if message_id is None else await find_position(connection, channel.id, message_id)
        return await _before(connection, channel.id, place, limit)


@finish_before_cancel
async def messages_after(db: Database, channel: ShownChannel, message_id: str | None, limit: int) -> MessageWindow:
    """Load the messages behind one, which need not be stored; None: the first ones of the channel."""
    async with db.asking() as connection:
        place = FIRST if message_id is None else await find_position(connection, channel.id, message_id)
        return await _after(connection, channel.id, place, limit)


@finish_before_cancel
async def messages_around(db: Database, channel: ShownChannel, message_id: str | None, limit: int) -> MessageWindow:
    """Load a message and what is around it; where it is not stored, those that it would stand between.

    Half of them are before it, and one more than that from it on where the limit is odd. Near an end of the channel
    there are fewer. None: the newest ones.
    """
    async with db.asking() as connection:
        if message_id is None:
            return await _before(connection, channel.id, LAST, limit)
        place = await find_position(connection, channel.id, message_id)
        on = limit - limit // 2
        newer = await walk_forth(connection, channel.id, Position(at=place.at, message_id=_less(message_id)), on + 1)
        before = limit // 2 or limit - len(newer[:on])  # of one alone: the last, where there is nothing from it on
        older = await walk_back(connection, channel.id, place, before + 1)
        shown = (*reversed(older[:before]), *newer[:on])
    return MessageWindow(messages=shown, has_older=len(older) > before, has_newer=len(newer) > on)


@finish_before_cancel
async def day_window(db: Database, channel: ShownChannel, day: date, limit: int) -> MessageWindow:
    """Load messages from the beginning of a day (UTC) on, those of later days where the day has fewer."""
    place = Position(at=datetime.combine(day, time(), UTC))
    async with db.asking() as connection:
        return await _after(connection, channel.id, place, limit)


@finish_before_cancel
async def messages_within(
    db: Database, channel: ShownChannel, *, since: datetime, until: datetime, after: str | None, limit: int
) -> list[ShownMessage]:
    """Load messages that were sent from ``since`` until before ``until``, the oldest first.

    Args:
        db: the archive.
        channel: whose messages.
        since: inclusive.
        until: exclusive.
        after: only those behind this message, by the platform's id; None: from the first on.
        limit: how many at most.
    """
    start = Position(at=since)
    async with db.asking() as connection:
        behind = start if after is None else await find_position(connection, channel.id, after)
        found = await walk_forth(connection, channel.id, behind if behind.at >= since else start, limit)
    return [message for message in found if message.sent_at < until]


async def _before(connection: AsyncConnection, channel_id: int, place: Position, limit: int) -> MessageWindow:
    found = await walk_back(connection, channel_id, place, limit + 1)
    shown = tuple(reversed(found[:limit]))
    begin = position_of(shown[-1]) if shown else place
    has_newer = place is not LAST and bool(await walk_forth(connection, channel_id, begin, 1))
    return MessageWindow(messages=shown, has_older=len(found) > limit, has_newer=has_newer)


async def _after(connection: AsyncConnection, channel_id: int, place: Position, limit: int) -> MessageWindow:
    found = await walk_forth(connection, channel_id, place, limit + 1)
    shown = tuple(found[:limit])
    begin = position_of(shown[0]) if shown else place
    has_older = place is not FIRST and bool(await walk_back(connection, channel_id, begin, 1))
    return MessageWindow(messages=shown, has_older=has_older, has_newer=len(found) > limit)


def _less(message_id: str) -> str:
    """Return the number before an id, behind which a walk begins with the message itself."""
    return str(number(message_id) - 1) if number(message_id) else ""
