"""A batch as PostgreSQL takes it fastest: one JSON text a table, made into rows by the server."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Table, bindparam, true
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import AttachmentRecord, MessageRecord, ReactionTotalRecord
from storage.bulk import json_parameter, json_rows, postgres_upsert, types_of
from storage.json_text import dump_json
from storage.tables import attachments, messages, reaction_totals
from storage.types import Id, RowId

_ROWS = json_parameter("rows")
_CHANNEL = bindparam("channel", type_=RowId)
_MESSAGE_COLUMNS = (
    "platform_id",
    "author_hash",
    "author_kind",
    "content",
    "type",
    "sent_at",
    "edited_at",
    "reply_to_channel_id",
    "reply_to_message_id",
    "reply_to_author_hash",
    "metadata",
)
_ATTACHMENT_COLUMNS = ("platform_id", "filename", "size_bytes", "content_type", "url", "url_expires_at", "metadata")
_TOTAL_COLUMNS = ("emoji_key", "emoji", "count", "burst_count")


def _upsert_messages() -> sqlite.Insert:
    """``rows`` is an array of message records."""
    told = json_rows(_ROWS, "told", **types_of(messages, _MESSAGE_COLUMNS))
    constants: dict[str, ColumnElement[Any]] = {"channel_id": _CHANNEL, "tenant_id": bindparam("tenant", type_=Id)}
    return postgres_upsert(messages, told, constants | {name: told.c[name] for name in _MESSAGE_COLUMNS})


def _upsert_parts(table: Table, columns: Iterable[str]) -> sqlite.Insert:
    """``rows`` is an array of {message_id, parts}; each of the parts becomes a row."""
    told = json_rows(_ROWS, "told", message_id=Id(), parts=JSON())
    part = json_rows(told.c.parts, "part", **types_of(table, columns))
    values = {"channel_id": _CHANNEL, "message_id": told.c.message_id, **{name: part.c[name] for name in columns}}
    return postgres_upsert(table, told.join(part, true()), values)


_MESSAGES = _upsert_messages()
_ATTACHMENTS = _upsert_parts(attachments, _ATTACHMENT_COLUMNS)
_TOTALS = _upsert_parts(reaction_totals, _TOTAL_COLUMNS)


async def write_rows(
    connection: AsyncConnection, tenant_id: str, channel_id: int, records: Sequence[MessageRecord], now: datetime
) -> None:
    """Upsert messages, attachments and reaction totals. The records hold clean text, each id once."""
    parameters = {"channel": channel_id, "tenant": tenant_id, "now": now}
    await connection.execute(_MESSAGES, {**parameters, "rows": dump_json(records)})
    files = [_parts(m, {a.platform_id: a for a in m.attachments}) for m in records if m.attachments]
    totals = [_parts(m, {t.emoji_key: t for t in m.reaction_totals}) for m in records if m.reaction_totals]
    for statement, some in ((_ATTACHMENTS, files), (_TOTALS, totals)):
        if some:
            await connection.execute(statement, {"channel": channel_id, "now": now, "rows": dump_json(some)})


def _parts(
    message: MessageRecord, by_key: Mapping[str, AttachmentRecord] | Mapping[str, ReactionTotalRecord]
) -> dict[str, object]:
    """One statement must not meet a key twice, so of two parts with one key the last is left."""
    return {"message_id": message.platform_id, "parts": list(by_key.values())}
