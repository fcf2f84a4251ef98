"""Find which originals are emptied, before possible copies of them, or the titles of their threads, are stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelRecord, ChannelType, MessageRecord, Original
from storage.privacy.copies import emptied_again, is_emptied, without_copies
from storage.privacy.redaction import FORGOTTEN, Redactor
from storage.sql import TENANT_ID, Id, RowId, dump_json, json_objects
from storage.tables import channels, messages, tenants

_named = json_objects("named", tenant_platform_id=Id(), channel_platform_id=Id(), message_platform_id=Id())
_ORIGINAL = (messages.c.author_hash, messages.c.sent_at, messages.c.edited_at, messages.c.metadata)
_own, _home = tenants.alias("own"), tenants.alias("home")


def _stored_originals() -> Select[Any]:
    """Select those of the originals in the parameter ``named`` that are stored, in any community."""
    of_home = and_(
        _home.c.platform == _own.c.platform,
        _home.c.platform_id == func.coalesce(_named.c.tenant_platform_id, _own.c.platform_id),
    )
    of_channel = and_(channels.c.tenant_id == _home.c.id, channels.c.platform_id == _named.c.channel_platform_id)
    of_message = and_(messages.c.channel_id == channels.c.id, messages.c.platform_id == _named.c.message_platform_id)
    joined = _named.join(_own, _own.c.id == TENANT_ID).join(_home, of_home).join(channels, of_channel)
    return select(*_named.c, *_ORIGINAL).select_from(joined.join(messages, of_message))


_STORED = _stored_originals()
_keys = json_objects("keys", channel_id=RowId, message_platform_id=Id())
_AS_STORED = select(messages.c.platform_id, messages.c.metadata).where(
    tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(_keys))
)


async def emptied_originals(
    connection: AsyncConnection, tenant_id: str, named: Collection[Original], redactor: Redactor
) -> set[Original]:
    """Return those originals that are emptied, or to be because their author is absent, as a tenant names them."""
    rows = await _stored(connection, tenant_id, named)
    return {original for original, row in rows if _is_withheld(row, redactor)}


async def _stored(
    connection: AsyncConnection, tenant_id: str, named: Collection[Original]
) -> list[tuple[Original, Row[Any]]]:
    """Read those of the originals that are stored, as a tenant's messages name them."""
    if not named:
        return []
    given = [
        {"tenant_platform_id": o.tenant_platform_id, "channel_platform_id": o.channel_platform_id}
        | {"message_platform_id": o.message_platform_id}
        for o in named
    ]
    rows = await connection.execute(_STORED, {"tenant": tenant_id, "named": dump_json(given)})
    return [(Original(*row[:3]), row) for row in rows]


def _is_withheld(row: Row[Any], redactor: Redactor) -> bool:
    return is_emptied(row.metadata) or redactor.is_absent_at(row.author_hash, row.sent_at, row.edited_at)


async def without_absent_originals(
    connection: AsyncConnection, tenant_id: str, channel_id: int, records: Sequence[MessageRecord], redactor: Redactor
) -> Sequence[MessageRecord]:
    """Remove from a channel's messages what they hold of absent people's: copies, and whom they answer.

    Where nobody is absent, somebody may be from another tenant, whose messages are repeated here.
    """
    if not redactor and not any(_is_elsewhere(copy.original) for record in records for copy in record.copies):
        return records
    kept = await _without_copies(connection, tenant_id, channel_id, records, redactor)
    return await _without_answered(connection, tenant_id, kept, redactor)


def _is_elsewhere(original: Original) -> bool:
    return original.tenant_platform_id is not None


async def _without_copies(
    connection: AsyncConnection, tenant_id: str, channel_id: int, records: Sequence[MessageRecord], redactor: Redactor
) -> Sequence[MessageRecord]:
    copying = [record for record in records if record.copies]
    if not copying:
        return records
    named = {copy.original for record in copying for copy in record.copies}
    emptied = await emptied_originals(connection, tenant_id, named, redactor)
    keys = dump_json([{"channel_id": channel_id, "message_platform_id": record.platform_id} for record in copying])
    stored: dict[str, Any] = {
        row.platform_id: row.metadata for row in await connection.execute(_AS_STORED, {"keys": keys})
    }
    return [_without(record, emptied, stored.get(record.platform_id, {})) for record in records]


def _without(record: MessageRecord, emptied: set[Original], stored: Mapping[str, Any]) -> MessageRecord:
    emptied = emptied | emptied_again(stored, record.copies)
    paths = {copy.path for copy in record.copies if copy.original in emptied}
    rest = without_copies(record.content, record.metadata, paths)
    if rest is None:
        return record
    files = record.attachments if rest.keeps_files else ()
    return replace(record, content=rest.content, metadata=rest.metadata, attachments=files)


async def _without_answered(
    connection: AsyncConnection, tenant_id: str, records: Sequence[MessageRecord], redactor: Redactor
) -> Sequence[MessageRecord]:
    """Do not say whom a message answers if that person was absent at some time, and the original may be of then.

    It is said where the original is stored with its author.
    """
    answering = {
        _answered(record): record.reply_to_author_hash
        for record in records
        if redactor.was_absent(record.reply_to_author_hash)
    }
    if not answering:
        return records
    stored = await _stored(connection, tenant_id, [original for original in answering if original is not None])
    said = {o for o, row in stored if row.author_hash is not None and not _is_withheld(row, redactor)}
    unsaid = answering.keys() - said
    return [replace(r, reply_to_author_hash=None) if _answered(r) in unsaid else r for r in records]


def _answered(record: MessageRecord) -> Original | None:
    channel, message = record.reply_to_channel_platform_id, record.reply_to_message_platform_id
    return None if channel is None or message is None else Original(None, channel, message)


async def without_erased_titles(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord], redactor: Redactor
) -> list[ChannelRecord]:
    """Remove the titles of threads that an absent person opened, or that belong to an emptied message."""
    records = list(records)
    threads = [record for record in records if record.type is ChannelType.THREAD and record.name]
    # A thread's first message has its id; it is in the thread or, where that belongs to a message, in the parent.
    named = {
        Original(None, place, thread.platform_id)
        for thread in threads
        for place in (thread.platform_id, thread.parent_platform_id)
        if place
    }
    begun_by = {o.message_platform_id for o in await emptied_originals(connection, tenant_id, named, redactor)}
    owned = {
        thread.platform_id
        for thread in threads
        if redactor.is_absent_before(str(thread.metadata.get("owner_hash")), thread.created_at)
    }
    return [replace(r, name=FORGOTTEN) if r.platform_id in begun_by | owned else r for r in records]
