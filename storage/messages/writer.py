"""The one function that writes messages, and the one that marks them as deleted."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Delete, Table, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.messages import upsert_postgres, upsert_sqlite
from storage.messages.rows import PreparedMessages
from storage.sql import NOW, Id, RowId, dump_json, json_objects, types_of
from storage.tables import attachments, messages, reaction_totals

_UPSERT = {"sqlite": upsert_sqlite.upsert, "postgresql": upsert_postgres.upsert}


async def write_messages(connection: AsyncConnection, prepared: PreparedMessages, now: datetime) -> None:
    """Bring messages with their attachments and reaction totals to what the records say; what is so stays untouched.

    Two things stay although the records do not say them: when a message was deleted, and a replied-to author.
    Attachments taken out by an edit go, and totals that nobody is left of; their users go by the foreign key.
    """
    if not prepared.channels:
        return
    may_be_stored = await _channels_with_stored(connection, prepared)
    await _UPSERT[connection.dialect.name](connection, prepared, now)
    if may_be_stored:
        await _delete_stale(connection, prepared, may_be_stored)


_ranges = json_objects("ranges", channel_id=RowId, first=Id(), last=Id())
_MAY_BE_STORED = select(_ranges.c.channel_id).where(
    select(messages.c.id)
    .where(messages.c.channel_id == _ranges.c.channel_id)
    .where(messages.c.platform_id >= _ranges.c.first, messages.c.platform_id <= _ranges.c.last)
    .exists()
)


async def _channels_with_stored(connection: AsyncConnection, prepared: PreparedMessages) -> set[int]:
    """Find the channels of which a message may be stored: one look at an index each, instead of one for each message.

    Ids are compared as text, so that it is right for ids of any form; it says yes too often, never no.
    """
    ids = [(batch.channel_id, [record.platform_id for record in batch.records]) for batch in prepared.channels]
    ranges = [{"channel_id": channel_id, "first": min(each), "last": max(each)} for channel_id, each in ids]
    return set((await connection.execute(_MAY_BE_STORED, {"ranges": dump_json(ranges)})).scalars())


_MESSAGE = ("channel_id", "message_platform_id")


def _delete_others(table: Table, *part: str) -> Delete:
    """Of the messages ``written`` keep the parts ``kept``, both JSON arrays of their keys."""
    written = json_objects("written", **types_of(table, _MESSAGE))
    kept = json_objects("kept", **types_of(table, (*_MESSAGE, *part)))
    return (
        delete(table)
        .where(tuple_(*(table.c[name] for name in _MESSAGE)).in_(select(written)))
        .where(tuple_(*(table.c[name] for name in (*_MESSAGE, *part))).not_in(select(kept)))
    )


_DELETE_ATTACHMENTS = _delete_others(attachments, "platform_id")
_DELETE_TOTALS = _delete_others(reaction_totals, "emoji_key", "burst")


async def _delete_stale(connection: AsyncConnection, prepared: PreparedMessages, channel_ids: set[int]) -> None:
    written = [(_key(c, r.platform_id), r) for c, r in prepared.rows() if c in channel_ids]
    files = [k | {"platform_id": file.platform_id} for k, r in written for file in r.attachments]
    await _delete(connection, _DELETE_ATTACHMENTS, [k for k, _ in written], files)
    if not prepared.keeps_totals:
        totals = [k | {"emoji_key": t.emoji_key, "burst": t.burst} for k, r in written for t in r.reaction_totals]
        await _delete(connection, _DELETE_TOTALS, [k for k, _ in written], totals)


async def _delete(
    connection: AsyncConnection, statement: Delete, written: Sequence[object], kept: Sequence[object]
) -> None:
    await connection.execute(statement, {"written": dump_json(written), "kept": dump_json(kept)})


def _key(channel_id: int, message_platform_id: str) -> dict[str, object]:
    """A message as an object of a JSON array of keys."""
    return {"channel_id": channel_id, "message_platform_id": message_platform_id}


_deleted = json_objects("deleted", channel_id=RowId, message_platform_id=Id())
_MARK_DELETED = (
    update(messages)
    .where(tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(_deleted)))
    .where(messages.c.deleted_at.is_(None))
    .values(deleted_at=NOW, updated_at=NOW)
)


async def mark_rows_deleted(connection: AsyncConnection, keys: Collection[tuple[int, str]], now: datetime) -> int:
    """Mark messages (``channels.id`` and the platform's id) as deleted; their rows stay, and an earlier mark stays.

    Returns:
        How many were not marked before.
    """
    if not keys:
        return 0
    deleted = dump_json([_key(channel_id, message_id) for channel_id, message_id in keys])
    return (await connection.execute(_MARK_DELETED, {"deleted": deleted, "now": now})).rowcount
