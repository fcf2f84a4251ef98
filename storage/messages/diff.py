"""Compare incoming messages with the stored ones."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace

import orjson
from sqlalchemy import RowMapping, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import AttachmentRecord, AuthorKind, MessageRecord, Metadata, ReactionTotalRecord
from storage.messages.replies import FLAG
from storage.privacy import OPTED_OUT, is_emptied, is_expired, without_content
from storage.sql import CHANNEL_ID, all_rows, as_plain, dump_json, fields_of, json_strings
from storage.tables import attachments, messages, reaction_totals


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
_TOTAL_FIELDS = ("emoji_key", "burst", "emoji", "count")
_OWN_FIELDS = {field.name for field in fields(MessageRecord)} - {"attachments", "reaction_totals", "copies"}


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
        total = ReactionTotalRecord(**{name: row[name] for name in _TOTAL_FIELDS})
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


def is_changed(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Return whether storing a message again would change its row, its attachments or its totals.

    It is no change where the platform no longer names the replied-to author, or no longer reports the original as
    deleted.
    """
    return _values(stored, stored) != _values(incoming, stored)


def is_edited(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Return whether storing a message again would change more than its files' signed URLs, which change daily.

    That its content has had its time since it was stored is no edit.
    """
    if is_expired(incoming.metadata):
        stored = without_content(stored)
    return _values(_without_signatures(stored), stored) != _values(_without_signatures(incoming), stored)


def is_withheld(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Return whether a message lost content in a way that no edit explains.

    Text disappears only by an edit, which has a time, and no edit leaves a message without any content. Only where a
    message had nothing but embeds can these be suppressed, which its flags show. A message that we emptied is not
    withheld.
    """
    if is_emptied(incoming.metadata) or is_expired(incoming.metadata):
        return False
    if not incoming.content and incoming.edited_at == stored.edited_at and _loses_by_edits_alone(stored, incoming):
        return True
    return incoming.is_blank and not stored.is_blank and not _is_suppressed(stored, incoming)


def _loses_by_edits_alone(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Return whether content is missing that only an edit removes: text, files, components or a poll."""
    if stored.content or (stored.attachments and not incoming.attachments):
        return True
    return any(stored.metadata.get(key) and not incoming.metadata.get(key) for key in ("components", "poll"))


def _is_suppressed(stored: MessageRecord, incoming: MessageRecord) -> bool:
    others = {name: value for name, value in stored.metadata.items() if name != "embeds"}
    return replace(stored, metadata=others).is_blank and stored.metadata.get("flags") != incoming.metadata.get("flags")


def _values(message: MessageRecord, stored: MessageRecord) -> tuple[object, ...]:
    """Return what is stored of a message as a comparable tuple, independent of the order of files and totals."""
    return (
        message.author_hash,
        message.author_kind,
        message.content,
        message.type,
        message.sent_at,
        message.edited_at,
        message.reply_to_channel_platform_id,
        message.reply_to_message_platform_id,
        message.reply_to_author_hash or stored.reply_to_author_hash,
        _json(_compared(message.metadata, stored.metadata)),
        {file.platform_id: _file(file) for file in message.attachments},
        {(total.emoji_key, total.burst): total for total in message.reaction_totals},
    )


def _compared(metadata: Metadata, stored: Metadata) -> Metadata:
    """Return metadata as they are compared with stored ones. Of an emptied message it is the same why it was."""
    if OPTED_OUT in metadata:
        metadata = {name: value for name, value in metadata.items() if name != OPTED_OUT}
    return {FLAG: True, **metadata} if FLAG in stored else metadata


def _file(file: AttachmentRecord) -> tuple[object, ...]:
    return file.filename, file.size_bytes, file.content_type, file.url, file.url_expires_at, _json(file.metadata)


def _json(metadata: Metadata) -> bytes:
    """Serialize metadata for comparison: in Python 1, 1.0 and True would be equal."""
    return orjson.dumps(metadata, default=as_plain, option=orjson.OPT_SORT_KEYS)


def _without_signatures(message: MessageRecord) -> MessageRecord:
    files = (replace(file, url=file.url.partition("?")[0], url_expires_at=None) for file in message.attachments)
    return replace(message, attachments=tuple(files)) if message.attachments else message
