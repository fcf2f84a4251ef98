"""On which days of a month a channel has messages, and from when to when it has any."""

from datetime import UTC, date, datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reading.model import ShownChannel, ShownMessage
from storage.reading.walks import FIRST, LAST, walk_back, walk_forth
from storage.sql import CHANNEL_ID, DayOf, UtcDateTime, all_rows
from storage.tables import messages

_day = DayOf(messages.c.sent_at).label("day")
# Answered by the index over channel and time alone.
_DAYS = (
    select(_day, func.count().label("messages"))
    .where(messages.c.channel_id == CHANNEL_ID)
    .where(messages.c.sent_at >= bindparam("since", type_=UtcDateTime))
    .where(messages.c.sent_at < bindparam("until", type_=UtcDateTime))
    .group_by(_day)
    .order_by(_day)
)


@finish_before_cancel
async def days_with_messages(db: Database, channel: ShownChannel, year: int, month: int) -> dict[date, int]:
    """Count a channel's messages on each day (UTC) of a month that has any; deleted ones count.

    Raises:
        ValueError: there is no such month.
        QueryTooLong: there are too many messages.
    """
    since = datetime(year, month, 1, tzinfo=UTC)
    until = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    async with db.asking() as connection:
        rows = await all_rows(connection, _DAYS, {"channel": channel.id, "since": since, "until": until})
    return {date.fromisoformat(row["day"]): row["messages"] for row in rows}


@finish_before_cancel
async def first_and_newest(db: Database, channel: ShownChannel) -> tuple[ShownMessage, ShownMessage] | None:
    """Load the first and the newest message of a channel; None where it has none."""
    async with db.asking() as connection:
        return await ends_of(connection, channel.id)


async def ends_of(connection: AsyncConnection, channel_id: int) -> tuple[ShownMessage, ShownMessage] | None:
    """Load the first and the newest message of a channel on a connection of the caller's."""
    first = await walk_forth(connection, channel_id, FIRST, 1)
    newest = await walk_back(connection, channel_id, LAST, 1)
    return (first[0], newest[0]) if first and newest else None
