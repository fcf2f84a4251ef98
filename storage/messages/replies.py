"""Record whether the message that another one replies to is deleted.

A payload without the original proves nothing, so a stored mark stays: a deleted message never returns. Where the
original is in the same channel, the archive itself may know that it was deleted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import MessageRecord
from storage.sql import CHANNEL_ID, NOW, JsonMerged, PositionOf, dump_json, json_as_text, json_strings
from storage.tables import channels, messages

FLAG = "reply_deleted"

_FLAGGED = literal_column(f"'{{\"{FLAG}\":true}}'", Text)


def _has_flag(metadata: ColumnElement[Any]) -> ColumnElement[bool]:
    return PositionOf(json_as_text(metadata), literal_column(f"'\"{FLAG}\"'", Text)) > literal_column("0")


def with_known_deletion(given: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a message's new metadata: the given ones, plus the deletion of its original where that is stored."""
    stored = messages.c.metadata
    is_forgotten = and_(_has_flag(stored), ~_has_flag(given))
    return case((is_forgotten, JsonMerged(given, _FLAGGED)), else_=given)


_original = messages.alias("original")
_ANSWERS_HERE = exists().where(
    channels.c.id == messages.c.channel_id, channels.c.platform_id == messages.c.reply_to_channel_platform_id
)
_IS_GONE = exists().where(
    _original.c.channel_id == messages.c.channel_id,
    _original.c.platform_id == messages.c.reply_to_message_platform_id,
    _original.c.deleted_at.is_not(None),
)
_MARK = (
    update(messages)
    .where(messages.c.channel_id == CHANNEL_ID, messages.c.platform_id.in_(select(json_strings("replies"))))
    .where(_ANSWERS_HERE, _IS_GONE, ~_has_flag(messages.c.metadata))
    .values(metadata=JsonMerged(messages.c.metadata, _FLAGGED), updated_at=NOW)
)


async def mark_answers_to_deleted(
    connection: AsyncConnection, channel_id: int, records: Iterable[MessageRecord], now: datetime
) -> None:
    """Mark messages whose original in the same channel is stored as deleted, and of which no payload reported that.

    An original that is not stored proves nothing.
    """
    untold = [
        record.platform_id
        for record in records
        if record.reply_to_message_platform_id is not None
        and record.reply_to_author_hash is None
        and FLAG not in record.metadata
    ]
    if untold:
        await connection.execute(_MARK, {"channel": channel_id, "replies": dump_json(untold), "now": now})
