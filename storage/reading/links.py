"""What leads from message to message: originals of replies, answers to a message, threads that hang on one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import RowMapping, and_, bindparam, func, literal, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Boolean, Integer

from storage.connection import Readable, finish_before_cancel
from storage.reading.channels import SHOWN_CHANNELS, channel_of_row
from storage.reading.model import ShownChannel, ShownMessage
from storage.reading.rows import MessageKey
from storage.sql import (
    CHANNEL_ID,
    CHANNEL_PLATFORM_ID,
    TENANT_ID,
    Id,
    all_rows,
    as_keys,
    dump_json,
    json_objects,
    json_strings,
)
from storage.tables import attachments, channels, messages

MessagePlace: TypeAlias = tuple[str, str]
"""The platform's ids of a channel and of a message in it."""

_EXCERPT = 200  # characters
THREAD_STARTER = "thread_starter_message"
"""The type of the first message of a thread: it repeats the message that the thread is on."""

_ANSWERS = 5  # of one message; the others are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The message that a reply answers; where it is not archived, only where it is (or was) is known."""

    channel_platform_id: str
    message_platform_id: str
    channel_name: str | None
    is_archived: bool
    author_hash: str | None  # also of one that is not archived, where the platform said it
    author_kind: str | None
    type: str | None
    excerpt: str  # the beginning of its text
    sent_at: datetime | None
    deleted_at: datetime | None
    files: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message that answers another one."""

    channel_platform_id: str
    message_platform_id: str
    author_hash: str | None
    author_kind: str
    excerpt: str
    sent_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The first answers to a message, the oldest first, and how many there are."""

    first: tuple[Answer, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLinks:
    """What leads from some messages of one channel to others."""

    originals: Mapping[MessageKey, Original]  # by the key of the reply
    answers: Mapping[str, Answers]  # by the platform's id of the message that is answered
    threads: Mapping[str, ShownChannel]  # by the platform's id of the message that a thread hangs on
    referred: Mapping[MessagePlace, Original] = field(
        default_factory=dict
    )  # what else they lead to, where it was requested


_excerpt = func.substr(messages.c.content, 1, literal_column(str(_EXCERPT), Integer)).label("excerpt")
_COMMON = [messages.c[name] for name in ("author_hash", "author_kind", "sent_at", "deleted_at")]

_PLACE = ("channel_platform_id", "message_platform_id")
_place = json_objects("places", channel_platform_id=Id(), message_platform_id=Id())
_files = (
    select(func.count())
    .where(
        attachments.c.channel_id == messages.c.channel_id,
        attachments.c.message_platform_id == messages.c.platform_id,
    )
    .correlate(messages)
    .scalar_subquery()
)
_ORIGINALS = select(
    *_place.c,
    channels.c.name.label("channel_name"),
    messages.c.id.is_not(None).label("is_archived"),
    *_COMMON,
    messages.c.type,
    messages.c.metadata,
    _excerpt,
    _files.label("files"),
).select_from(
    _place.outerjoin(
        channels, and_(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == _place.c.channel_platform_id)
    ).outerjoin(
        messages,
        and_(messages.c.channel_id == channels.c.id, messages.c.platform_id == _place.c.message_platform_id),
    )
)

_original_id = messages.c.reply_to_message_platform_id
# Read by the index over replies: the tenant is compared in a way that lets none over its messages be used.
_is_of_tenant = messages.c.tenant_id.concat(literal("")) == TENANT_ID
_ranked = (
    select(
        _original_id.label("original_id"),
        channels.c.platform_id.label("channel_platform_id"),
        messages.c.platform_id.label("message_platform_id"),
        *_COMMON,
        _excerpt,
        func.count().over(partition_by=_original_id).label("answers"),
        func.row_number().over(partition_by=_original_id, order_by=(messages.c.sent_at, messages.c.id)).label("rank"),
    )
    .join_from(messages, channels, channels.c.id == messages.c.channel_id)
    .where(_original_id.in_(select(json_strings("originals"))), _original_id.is_not(None))
    .where(messages.c.reply_to_channel_platform_id == CHANNEL_PLATFORM_ID, _is_of_tenant)
    .where(messages.c.type != THREAD_STARTER)
    .where(or_(bindparam("with_deleted", type_=Boolean), messages.c.deleted_at.is_(None)))
    .subquery("ranked")
)
_ANSWERS_TO = select(_ranked).where(_ranked.c.rank <= _ANSWERS).order_by(_ranked.c.rank)

_THREADS_ON = SHOWN_CHANNELS.where(
    channels.c.tenant_id == TENANT_ID,
    channels.c.platform_id.in_(select(json_strings("threads"))),
    channels.c.type == "thread",
    channels.c.id != CHANNEL_ID,
)


@finish_before_cancel
async def links_of(db: Readable, channel: ShownChannel, shown: Sequence[ShownMessage]) -> MessageLinks:
    """Find what leads from messages of a channel to others."""
    async with db.asking() as connection:
        return MessageLinks(
            originals=await originals_of(connection, channel.tenant_id, shown),
            answers=await answers_to(connection, channel, shown),
            threads=await threads_on(connection, channel, shown),
        )


async def originals_of(
    connection: AsyncConnection, tenant_id: str, shown: Sequence[ShownMessage]
) -> dict[MessageKey, Original]:
    """Find what those of the messages that are replies answer, by the key of the reply."""
    replies = [message for message in shown if message.reply_to_message_platform_id]
    if not replies:
        return {}
    found = await messages_at(connection, tenant_id, {_place_of(message) for message in replies})
    return {(m.channel_id, m.platform_id): _as_told(found[_place_of(m)], m) for m in replies}


async def messages_at(
    connection: AsyncConnection, tenant_id: str, places: Collection[MessagePlace]
) -> dict[MessagePlace, Original]:
    """Find messages by where they are; those that are not archived are among them, as such."""
    values = {"tenant": tenant_id, "places": as_keys(_PLACE, places)}
    rows = await all_rows(connection, _ORIGINALS, values) if places else []
    return {(row[_PLACE[0]], row[_PLACE[1]]): _original(row) for row in rows}


async def answers_to(
    connection: AsyncConnection,
    channel: ShownChannel,
    shown: Sequence[ShownMessage],
    *,
    with_deleted: bool = True,
) -> dict[str, Answers]:
    """Find the answers to messages of a channel, by the platform's id of the message; one without any is left out."""
    originals = dump_json([message.platform_id for message in shown])
    values = {
        "tenant": channel.tenant_id,
        "channel_platform": channel.platform_id,
        "originals": originals,
        "with_deleted": with_deleted,
    }
    found: dict[str, list[RowMapping]] = {}
    for row in await all_rows(connection, _ANSWERS_TO, values):
        found.setdefault(row["original_id"], []).append(row)
    return {original: _answers(rows) for original, rows in found.items()}


async def threads_on(
    connection: AsyncConnection, channel: ShownChannel, shown: Sequence[ShownMessage]
) -> dict[str, ShownChannel]:
    """Find the threads that hang on messages of a channel, by the platform's id of the message."""
    named = {_thread_id(message): message.platform_id for message in shown}
    values = {"tenant": channel.tenant_id, "channel": channel.id, "threads": dump_json(list(named))}
    threads = [channel_of_row(row) for row in await all_rows(connection, _THREADS_ON, values)]
    return {named[thread.platform_id]: thread for thread in threads}


def _thread_id(message: ShownMessage) -> str:
    """Return the id of a message's thread: the one that it names, else the one of the same id as its own."""
    named = message.metadata.get("thread_id")
    return named if isinstance(named, str) else message.platform_id


def referred_place(message: ShownMessage) -> MessagePlace | None:
    """Return where the message is that one refers to or forwards; None where it does neither."""
    reference = message.metadata.get("reference")
    if not isinstance(reference, dict):
        return None
    place = reference.get("channel_id"), reference.get("message_id")
    return (place[0], place[1]) if isinstance(place[0], str) and isinstance(place[1], str) else None


def _place_of(reply: ShownMessage) -> tuple[str, str]:
    return reply.reply_to_channel_platform_id or "", reply.reply_to_message_platform_id or ""


def _original(row: RowMapping) -> Original:
    values = {name: row[name] for name in Original.__dataclass_fields__}
    filled = {"is_archived": bool(row["is_archived"]), "excerpt": row["excerpt"] or "", "files": row["files"] or 0}
    filled |= {"metadata": row["metadata"] or {}}
    return Original(**values | filled)


def _as_told(original: Original, reply: ShownMessage) -> Original:
    """Take the author of an original that is not archived from what the reply says of it."""
    return original if original.is_archived else replace(original, author_hash=reply.reply_to_author_hash)


def _answers(rows: Sequence[RowMapping]) -> Answers:
    first = tuple(Answer(**{name: row[name] for name in Answer.__dataclass_fields__}) for row in rows)
    return Answers(first=first, count=rows[0]["answers"])
