"""A conversation: a message, what it answers up to the first one, and all that answers it, and those, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, RowMapping, Select, and_, literal, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reading.links import THREAD_STARTER
from storage.reading.model import ShownChannel
from storage.reading.rows import MessageKey
from storage.sql import CHANNEL_ID, LIMIT, MESSAGE_PLATFORM_ID, TENANT_ID, all_rows
from storage.tables import channels, messages


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkMessage:
    """Where a message of a conversation is."""

    id: int  # messages.id
    key: MessageKey
    channel_platform_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The messages of a conversation by the time they were sent at; not ``is_whole``: there are more."""

    messages: Sequence[TalkMessage]
    is_whole: bool


_original, _reply, _place = messages.alias("original"), messages.alias("reply"), channels.alias("place")
_LINKS = ("reply_to_channel_platform_id", "reply_to_message_platform_id")


def _asked(*columns: Any) -> Select[Any]:
    return (
        select(channels.c.platform_id.label("place"), messages.c.channel_id, messages.c.platform_id, *columns)
        .join_from(messages, channels, channels.c.id == messages.c.channel_id)
        .where(messages.c.channel_id == CHANNEL_ID, messages.c.platform_id == MESSAGE_PLATFORM_ID)
    )


def _above() -> CTE:
    talk = _asked(*(messages.c[name] for name in _LINKS)).cte("above", recursive=True)
    is_its_place = and_(_place.c.tenant_id == TENANT_ID, _place.c.platform_id == talk.c[_LINKS[0]])
    is_original = and_(_original.c.channel_id == _place.c.id, _original.c.platform_id == talk.c[_LINKS[1]])
    return talk.union(
        select(
            _place.c.platform_id,
            _original.c.channel_id,
            _original.c.platform_id,
            *(_original.c[name] for name in _LINKS),
        ).select_from(talk.join(_place, is_its_place).join(_original, is_original))
    )


def _below() -> CTE:
    # By the index over replies: the tenant is compared in a way that lets none over its messages be used.
    talk = _asked().cte("below", recursive=True)
    is_reply = and_(
        _reply.c.reply_to_message_platform_id == talk.c.platform_id,
        _reply.c.reply_to_message_platform_id.is_not(None),
        _reply.c.reply_to_channel_platform_id == talk.c.place,
        _reply.c.tenant_id.concat(literal("")) == TENANT_ID,
        _reply.c.type != THREAD_STARTER,
    )
    return talk.union(
        select(_place.c.platform_id, _reply.c.channel_id, _reply.c.platform_id).select_from(
            talk.join(_reply, is_reply).join(_place, _place.c.id == _reply.c.channel_id)
        )
    )


def _rows_of(talk: CTE) -> Select[Any]:
    some = select(talk.c.place, talk.c.channel_id, talk.c.platform_id).limit(LIMIT).subquery("some")
    return select(messages.c.id, messages.c.sent_at, some).join_from(
        some,
        messages,
        and_(messages.c.channel_id == some.c.channel_id, messages.c.platform_id == some.c.platform_id),
    )


_ABOVE, _BELOW = _rows_of(_above()), _rows_of(_below())


@finish_before_cancel
async def conversation_of(db: Database, channel: ShownChannel, message_id: str, *, most: int = 1_000) -> Talk:
    """Find all messages of the conversation that a message of a channel is in.

    Args:
        db: the archive.
        channel: of the message.
        message_id: the platform's.
        most: how many messages above it are found at most, and how many below it; the nearest ones.

    Raises:
        QueryTooLong: the database took too long.
    """
    values = {"tenant": channel.tenant_id, "channel": channel.id, "message": message_id, "limit": most + 1}
    async with db.asking() as connection:
        above = await all_rows(connection, _ABOVE, values)
        below = await all_rows(connection, _BELOW, values)
    found = {row["id"]: row for row in (*above, *below)}
    return Talk(
        messages=[_message(row) for row in sorted(found.values(), key=_by_time)],
        is_whole=max(len(above), len(below)) <= most,
    )


def _by_time(row: RowMapping) -> tuple[Any, ...]:
    return row["sent_at"], row["id"]


def _message(row: RowMapping) -> TalkMessage:
    key = row["channel_id"], row["platform_id"]
    return TalkMessage(id=row["id"], key=key, channel_platform_id=row["place"])
