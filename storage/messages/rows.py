"""Messages that may be stored, and messages as they are stored."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, fields, replace
from typing import TypeAlias

from sqlalchemy import RowMapping, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import AttachmentRecord, AuthorKind, MessageRecord, ReactionTotalRecord
from storage.privacy import Redactor, redactors_for
from storage.sql import CHANNEL_ID, all_rows, clean, dump_json, fields_of, is_clean, json_strings
from storage.tables import attachments, messages, reaction_totals

ChannelKey: TypeAlias = tuple[str, int]
"""``tenants.id`` and ``channels.id``."""

_SEAL = object()


@dataclass(frozen=True, slots=True)
class ChannelBatch:
    """Messages of one channel, each once."""

    tenant_id: str
    channel_id: int  # channels.id
    records: tuple[MessageRecord, ...]


@dataclass(frozen=True, slots=True)
class PreparedMessages:
    """Messages that may be stored: each once, of text that both databases accept, without erased people.

    Only ``prepare`` makes them, and ``write_messages`` takes nothing else.
    """

    channels: tuple[ChannelBatch, ...]
    keeps_totals: bool  # the stored reaction totals stay as they are: these records do not say them
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("messages are prepared for being stored by prepare() alone")

    def rows(self) -> Iterator[tuple[int, MessageRecord]]:
        """Each message with its channel (``channels.id``)."""
        return ((batch.channel_id, record) for batch in self.channels for record in batch.records)

    def only(self, message_ids: Collection[str]) -> "PreparedMessages":
        """Those of the messages with these ids."""
        channels = (
            replace(batch, records=tuple(r for r in batch.records if r.platform_id in message_ids))
            for batch in self.channels
        )
        return PreparedMessages(tuple(b for b in channels if b.records), self.keeps_totals, _SEAL)


async def prepare(
    connection: AsyncConnection, incoming: Mapping[ChannelKey, Iterable[MessageRecord]], *, keeps_totals: bool = False
) -> PreparedMessages:
    """Prepare messages for being stored in the transaction of ``connection``; of two with one id the last counts."""
    redactors = await redactors_for(connection, {tenant_id for tenant_id, _ in incoming})
    batches = (
        ChannelBatch(tenant_id, channel_id, _storable(redactors[tenant_id], records))
        for (tenant_id, channel_id), records in incoming.items()
    )
    return PreparedMessages(tuple(batch for batch in batches if batch.records), keeps_totals, _SEAL)


def _storable(redactor: Redactor, records: Iterable[MessageRecord]) -> tuple[MessageRecord, ...]:
    unique = list({record.platform_id: record for record in records}.values())
    texts = [(m.content, m.type, m.metadata, m.attachments, m.reaction_totals) for m in unique]
    if not is_clean(texts):
        unique = [clean(record) for record in unique]
    return tuple(map(redactor.message, unique) if redactor else unique)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as it is stored."""

    record: MessageRecord
    is_deleted: bool


def _of_messages(table: Table, key: str) -> Select[tuple[object, ...]]:
    return select(table).where(table.c.channel_id == CHANNEL_ID, table.c[key].in_(select(json_strings("wanted"))))


_STORED = (
    _of_messages(messages, "platform_id"),
    _of_messages(attachments, "message_platform_id"),
    _of_messages(reaction_totals, "message_platform_id"),
)
_OWN_FIELDS = {field.name for field in fields(MessageRecord)} - {"attachments", "reaction_totals"}


async def stored_messages(
    connection: AsyncConnection, channel_id: int, message_ids: Collection[str]
) -> dict[str, StoredMessage]:
    """Read those of the messages that are stored, by their ids."""
    values = {"channel": channel_id, "wanted": dump_json(list(message_ids))}
    rows, files, totals = [await all_rows(connection, statement, values) for statement in _STORED]
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
