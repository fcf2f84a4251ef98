"""Messages as they are written and read back: rows, with their attachments and reaction totals."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import RowMapping, Select, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import AttachmentRecord, AuthorKind, MessageRecord, ReactionTotalRecord
from storage.messages import upsert_postgres as postgres_batch
from storage.messages import upsert_sqlite as sqlite_batch
from storage.messages.told import ChannelBatch
from storage.sql import RowId, all_rows, clean, dump_json, fields_of, is_clean, json_elements
from storage.tables import attachments, messages, reaction_totals

_WRITE_ROWS = {"sqlite": sqlite_batch.write_rows, "postgresql": postgres_batch.write_rows}
_OWN_FIELDS = {field.name for field in fields(MessageRecord)} - {"attachments", "reaction_totals"}


def storable(records: Iterable[MessageRecord]) -> list[MessageRecord]:
    """Each id once, text that both databases accept. Nearly always that is what comes in."""
    unique = list({message.platform_id: message for message in records}.values())
    texts = [(m.content, m.type, m.metadata, m.attachments, m.reaction_totals) for m in unique]
    return unique if is_clean(texts) else [clean(message) for message in unique]


async def write_rows(
    connection: AsyncConnection, tenant_id: str, channel_id: int, records: Sequence[MessageRecord], now: datetime
) -> None:
    """Upsert messages with their attachments and totals, as ``storable`` gives them. What is so already is left."""
    await write_channels(connection, [ChannelBatch(tenant_id, channel_id, records)], now)


async def write_channels(connection: AsyncConnection, told: Sequence[ChannelBatch], now: datetime) -> None:
    """The same for messages of several channels, each channel once."""
    await _WRITE_ROWS[connection.dialect.name](connection, told, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as it is stored."""

    record: MessageRecord
    is_deleted: bool


def _of_messages(dialect: str, table: Table, key: str) -> Select[tuple[object, ...]]:
    """``told`` is a JSON array of message ids."""
    told = select(json_elements(dialect, "told", Text()))
    return select(table).where(table.c.channel_id == bindparam("channel", type_=RowId), table.c[key].in_(told))


_STORED = {
    dialect: (
        _of_messages(dialect, messages, "platform_id"),
        _of_messages(dialect, attachments, "message_platform_id"),
        _of_messages(dialect, reaction_totals, "message_platform_id"),
    )
    for dialect in _WRITE_ROWS
}


async def stored_messages(
    connection: AsyncConnection, channel_id: int, message_ids: Collection[str]
) -> dict[str, StoredMessage]:
    """Those of the messages that are stored, by their ids."""
    values = {"channel": channel_id, "told": dump_json(list(message_ids))}
    rows, files, totals = [
        await all_rows(connection, statement, values) for statement in _STORED[connection.dialect.name]
    ]
    files_of: dict[str, list[AttachmentRecord]] = {}
    for row in files:
        files_of.setdefault(row["message_platform_id"], []).append(AttachmentRecord(**fields_of(row, AttachmentRecord)))
    totals_of: dict[str, list[ReactionTotalRecord]] = {}
    for row in totals:
        total = ReactionTotalRecord(**fields_of(row, ReactionTotalRecord))
        totals_of.setdefault(row["message_platform_id"], []).append(total)
    return {
        (message_id := row["platform_id"]): StoredMessage(
            record=_message(row, files_of.get(message_id, ()), totals_of.get(message_id, ())),
            is_deleted=row["deleted_at"] is not None,
        )
        for row in rows
    }


def _message(
    row: RowMapping, files: Iterable[AttachmentRecord], totals: Iterable[ReactionTotalRecord]
) -> MessageRecord:
    values = {name: row[name] for name in _OWN_FIELDS} | {"author_kind": AuthorKind(row["author_kind"])}
    return MessageRecord(**values, attachments=tuple(files), reaction_totals=tuple(totals))
