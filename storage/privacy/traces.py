"""Record where copies are stored, and empty the copies of emptied messages."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, Select, and_, bindparam, delete, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import Copy, MessageRecord, MetadataPath
from storage.privacy.absences import EVERY_TENANT
from storage.privacy.copies import FORWARD, Rest, is_emptied, without_copies
from storage.privacy.redaction import FORGOTTEN
from storage.privacy.search import is_withheld
from storage.sql import (
    CHANNEL_ID,
    MESSAGE_PLATFORM_ID,
    NOW,
    TENANT_ID,
    USER_HASH,
    Id,
    JsonObject,
    RowId,
    dump_json,
    insert,
    json_objects,
    json_strings,
    types_of,
)
from storage.tables import attachments, channels, message_copies, messages

_MESSAGE = ("channel_id", "message_platform_id")
_KEY = (*_MESSAGE, "original_channel_platform_id", "original_message_platform_id", "path")
_rows = json_objects("rows", **types_of(message_copies, _KEY))
_columns = {column.name: column for column in _rows.c} | {"created_at": NOW, "updated_at": NOW}
_is_stored = (
    select(messages.c.id)
    .where(messages.c.channel_id == _rows.c.channel_id, messages.c.platform_id == _rows.c.message_platform_id)
    .exists()
)
_NOTE = (
    insert(message_copies)
    .from_select(list(_columns), select(*_columns.values()).where(_is_stored))
    .on_conflict_do_nothing()
)
_written = json_objects("written", **types_of(message_copies, _MESSAGE))
_DELETE_OTHERS = (
    delete(message_copies)
    .where(tuple_(*(message_copies.c[name] for name in _MESSAGE)).in_(select(_written)))
    .where(tuple_(*(message_copies.c[name] for name in _KEY)).not_in(select(*(_rows.c[name] for name in _KEY))))
)


async def note_copies(
    connection: AsyncConnection,
    records: Sequence[tuple[int, MessageRecord]],
    now: datetime,
    *,
    known_channels: Collection[int],
) -> None:
    """Record which messages these repeat, once they are stored, and remove what they no longer repeat after an edit.

    Args:
        connection: the transaction that stores them.
        records: the messages, each with its channel (``channels.id``).
        now: the time of the rows' change.
        known_channels: the channels that may hold some of the messages already.
    """
    rows = [_row(channel, record, copy) for channel, record in records for copy in record.copies]
    values = {"rows": dump_json(rows), "now": now}
    if written := [(channel, r.platform_id) for channel, r in records if channel in known_channels]:
        await connection.execute(_DELETE_OTHERS, {**values, "written": _objects(written)})
    if rows:
        await connection.execute(_NOTE, values)


def _row(channel_id: int, record: MessageRecord, copy: Copy) -> dict[str, object]:
    return {
        "channel_id": channel_id,
        "message_platform_id": record.platform_id,
        "original_channel_platform_id": copy.original.channel_platform_id,
        "original_message_platform_id": copy.original.message_platform_id,
        "path": dump_json(copy.path),
    }


_keys = json_objects("keys", channel_id=RowId, message_platform_id=Id())
_place = channels.alias("place")
_is_in_scope = or_(TENANT_ID == EVERY_TENANT, messages.c.tenant_id == TENANT_ID)
_COPY = (messages.c.channel_id, messages.c.platform_id, messages.c.content, messages.c.metadata)
_is_copy = and_(
    messages.c.channel_id == message_copies.c.channel_id,
    messages.c.platform_id == message_copies.c.message_platform_id,
)


def _copies_of() -> Select[Any]:
    """Select the copies of the messages in the parameter ``keys``, and their paths."""
    names = and_(
        message_copies.c.original_message_platform_id == _keys.c.message_platform_id,
        message_copies.c.original_channel_platform_id == _place.c.platform_id,
    )
    joined = _keys.join(_place, _place.c.id == _keys.c.channel_id).join(message_copies, names).join(messages, _is_copy)
    return select(*_COPY, message_copies.c.path).select_from(joined).where(_is_in_scope).order_by(*_COPY[:2])


_original_place = channels.alias("original_place")
_original = messages.alias("original")
_is_known = (
    select(_original.c.id)
    .join(_original_place, _original_place.c.id == _original.c.channel_id)
    .where(
        _original_place.c.tenant_id == messages.c.tenant_id,
        _original_place.c.platform_id == message_copies.c.original_channel_platform_id,
        _original.c.platform_id == message_copies.c.original_message_platform_id,
    )
    .exists()
)
_COPIES = _copies_of()
_FORWARDS_OF_UNKNOWN = (
    select(*_COPY)
    .join_from(message_copies, messages, _is_copy)
    .where(_is_in_scope, ~_is_known, message_copies.c.path == literal(dump_json(FORWARD)))
    .where(messages.c.metadata["forward"]["content"].as_string().in_(select(json_strings("texts"))))
)
_ORIGINALS_ELSEWHERE = (
    select(_original.c.channel_id, _original.c.platform_id)
    .distinct()
    .select_from(
        message_copies.join(messages, and_(_is_copy, messages.c.tenant_id == TENANT_ID))
        .join(_original_place, _original_place.c.platform_id == message_copies.c.original_channel_platform_id)
        .join(
            _original,
            and_(
                _original.c.channel_id == _original_place.c.id,
                _original.c.platform_id == message_copies.c.original_message_platform_id,
            ),
        )
    )
    .where(_original.c.author_hash == USER_HASH, _original.c.tenant_id != TENANT_ID, is_withheld(_original))
)
_EMPTY = (
    update(messages)
    .where(messages.c.channel_id == CHANNEL_ID, messages.c.platform_id == MESSAGE_PLATFORM_ID)
    .values(
        content=bindparam("new_content", type_=Text),
        metadata=bindparam("new_metadata", type_=JsonObject),
        updated_at=NOW,
    )
)
_DELETE_FILES = delete(attachments).where(
    attachments.c.channel_id == CHANNEL_ID, attachments.c.message_platform_id == MESSAGE_PLATFORM_ID
)
_thread, _above = channels.alias("thread"), channels.alias("above")
_TITLED = (
    select(_thread.c.id)
    .select_from(
        _keys.join(_above, _above.c.id == _keys.c.channel_id).join(
            _thread,
            and_(_thread.c.tenant_id == _above.c.tenant_id, _thread.c.platform_id == _keys.c.message_platform_id),
        )
    )
    .where(_thread.c.type == "thread", or_(_thread.c.parent_id == _above.c.id, _thread.c.id == _above.c.id))
    .where(_thread.c.name.is_distinct_from(FORGOTTEN))
    .where(or_(TENANT_ID == EVERY_TENANT, _thread.c.tenant_id == TENANT_ID))
)
_HIDE_TITLES = (
    update(channels)
    .where(channels.c.id.in_(bindparam("threads", expanding=True)))
    .values(name=FORGOTTEN, updated_at=NOW)
)


async def empty_traces_of(
    connection: AsyncConnection, keys: Collection[tuple[int, str]], now: datetime, *, tenant_id: str = EVERY_TENANT
) -> int:
    """Empty the copies of messages (``channels.id`` and the platform's id) that were emptied, and copies of those.

    The titles of the threads that belong to them are removed, too.

    Args:
        connection: the transaction that emptied them.
        keys: the emptied messages.
        now: the time of the rows' change.
        tenant_id: only copies and threads in this tenant; default: in all.

    Returns:
        How many copies were emptied.
    """
    count = 0
    while keys:
        values = {"keys": _objects(keys), "now": now, "tenant": tenant_id}
        if titled := list((await connection.execute(_TITLED, values)).scalars()):
            await connection.execute(_HIDE_TITLES, {"threads": titled, "now": now})
        changed = {}
        for key, (copy, paths) in _by_copy(await connection.execute(_COPIES, values)).items():
            if (rest := without_copies(copy.content, copy.metadata, paths)) is not None:
                changed[key] = rest
        await _empty(connection, changed, now)
        count += len(changed)
        keys = [key for key, rest in changed.items() if is_emptied(rest.metadata)]
    return count


def _by_copy(rows: Iterable[Row[Any]]) -> dict[tuple[int, str], tuple[Row[Any], set[MetadataPath]]]:
    """Collect, for each copy, the paths at which it holds emptied messages."""
    found: dict[tuple[int, str], tuple[Row[Any], set[MetadataPath]]] = {}
    for row in rows:
        found.setdefault((row.channel_id, row.platform_id), (row, set()))[1].add(tuple(orjson.loads(row.path)))
    return found


async def empty_copies_from_elsewhere(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Empty a tenant's copies of a person's messages in other tenants; return how many there were.

    Args:
        connection: a transaction.
        values: the parameters of the removal (``erasure.Removal``), with the tenant of the copies.
    """
    rows = await connection.execute(_ORIGINALS_ELSEWHERE, values)
    keys = [(channel_id, message_id) for channel_id, message_id in rows]
    return await empty_traces_of(connection, keys, values["now"], tenant_id=values["tenant"])


async def empty_forwards_saying(
    connection: AsyncConnection, texts: Iterable[str], now: datetime, *, tenant_id: str
) -> int:
    """Empty the forwards of one of these texts whose original is not archived; return how many there were."""
    values = {"texts": dump_json([text for text in texts if text]), "tenant": tenant_id}
    changed = {}
    for channel_id, message_id, content, metadata in await connection.execute(_FORWARDS_OF_UNKNOWN, values):
        if (rest := without_copies(content, metadata, [FORWARD])) is not None:
            changed[channel_id, message_id] = rest
    await _empty(connection, changed, now)
    return len(changed)


async def _empty(connection: AsyncConnection, rests: dict[tuple[int, str], Rest], now: datetime) -> None:
    for (channel_id, message_id), rest in rests.items():
        values: dict[str, Any] = {"channel": channel_id, "message": message_id, "now": now}
        content = {"new_content": rest.content, "new_metadata": dict(rest.metadata)}
        await connection.execute(_EMPTY, values | content)
        if not rest.keeps_files:
            await connection.execute(_DELETE_FILES, values)


def _objects(keys: Iterable[tuple[int, str]]) -> str:
    return dump_json([{"channel_id": channel, "message_platform_id": message} for channel, message in keys])
