"""A batch as SQLite takes it fastest: tuples for one prepared statement a table.

Worth, measured: 10 ms of CPU for 1,000 messages instead of 17 ms by rows of JSON.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.messages.upsert import ChannelBatch, update_attachment, update_message, update_total
from storage.sql import Insert, dump_json, insert_parameters, sqlite_text, utc_text
from storage.tables import attachments, messages, reaction_totals

_MESSAGE_COLUMNS = (
    "channel_id",
    "platform_id",
    "tenant_id",
    "author_hash",
    "author_kind",
    "content",
    "type",
    "sent_at",
    "edited_at",
    "reply_to_channel_platform_id",
    "reply_to_message_platform_id",
    "reply_to_author_hash",
    "metadata",
)
_ATTACHMENT_COLUMNS = (
    "channel_id",
    "message_platform_id",
    "platform_id",
    "filename",
    "size_bytes",
    "content_type",
    "url",
    "url_expires_at",
    "metadata",
)
_TOTAL_COLUMNS = ("channel_id", "message_platform_id", "emoji_key", "burst", "emoji", "count")


def _text(table: Table, columns: Sequence[str], update: Callable[[Insert, Iterable[str]], Insert]) -> str:
    return sqlite_text(update(insert_parameters(table, columns), columns), columns)


_MESSAGE = _text(messages, _MESSAGE_COLUMNS, update_message)
_ATTACHMENT = _text(attachments, _ATTACHMENT_COLUMNS, update_attachment)
_TOTAL = _text(reaction_totals, _TOTAL_COLUMNS, update_total)


async def upsert(
    connection: AsyncConnection, batches: Sequence[ChannelBatch], now: datetime, *, with_totals: bool
) -> None:
    """Upsert messages, attachments and reaction totals."""
    at = utc_text(now)
    statements = [(_MESSAGE, _messages), (_ATTACHMENT, _attachments)]
    if with_totals:
        statements.append((_TOTAL, _totals))
    for statement, rows in statements:
        if parameters := [row for batch in batches for row in rows(batch, at)]:
            await connection.exec_driver_sql(statement, parameters)


def _messages(batch: ChannelBatch, at: str) -> Iterator[tuple[Any, ...]]:
    tenant_id, channel_id = batch.tenant_id, batch.channel_id
    for m in batch.records:
        yield (
            channel_id,
            m.platform_id,
            tenant_id,
            m.author_hash,
            m.author_kind.value,
            m.content,
            m.type,
            utc_text(m.sent_at),
            utc_text(m.edited_at) if m.edited_at else None,
            m.reply_to_channel_platform_id,
            m.reply_to_message_platform_id,
            m.reply_to_author_hash,
            dump_json(m.metadata),
            at,
            at,
        )


def _attachments(batch: ChannelBatch, at: str) -> Iterator[tuple[Any, ...]]:
    channel_id = batch.channel_id
    for m in batch.records:
        for a in m.attachments:
            yield (
                channel_id,
                m.platform_id,
                a.platform_id,
                a.filename,
                a.size_bytes,
                a.content_type,
                a.url,
                utc_text(a.url_expires_at) if a.url_expires_at else None,
                dump_json(a.metadata),
                at,
                at,
            )


def _totals(batch: ChannelBatch, at: str) -> Iterator[tuple[Any, ...]]:
    channel_id = batch.channel_id
    for m in batch.records:
        for t in m.reaction_totals:
            yield channel_id, m.platform_id, t.emoji_key, t.burst, t.emoji, t.count, at, at
