"""Which changed messages are stored, and their rows: edited, deleted, to be looked at again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Update, and_, bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import MessageRecord
from storage.live.changes import MessageChange, StoredChange
from storage.messages import ChannelBatch, delete_stale_attachments, storable, write_channels
from storage.privacy import Redactor
from storage.repair import add_refetches
from storage.sql import INSERT, Id, RowId, UtcDateTime, dump_json, json_table
from storage.tables import channels, messages, tenants

_NOW = bindparam("now", type_=UtcDateTime)


def _archived_channels(dialect: str) -> Select[Any]:
    """``places`` is an array of {tenant_id, platform_id}."""
    place = json_table(dialect, "places", tenant_id=Id(), platform_id=Id())
    is_it = and_(channels.c.tenant_id == place.c.tenant_id, channels.c.platform_id == place.c.platform_id)
    return (
        select(channels.c.tenant_id, channels.c.platform_id, channels.c.id)
        .select_from(place.join(channels, is_it).join(tenants, tenants.c.id == channels.c.tenant_id))
        .where(channels.c.skip_reason.is_(None), tenants.c.stopped_at.is_(None), tenants.c.purged_at.is_(None))
    )


def _stored_messages(dialect: str) -> Select[Any]:
    """``told`` is an array of {channel_id, message_id}.

    Whoever changes a message or what hangs on it locks its row first, in this order.
    """
    told = json_table(dialect, "told", channel_id=RowId, message_platform_id=Id())
    is_it = and_(messages.c.channel_id == told.c.channel_id, messages.c.platform_id == told.c.message_platform_id)
    return (
        select(messages.c.channel_id, messages.c.platform_id, messages.c.edited_at)
        .select_from(told.join(messages, is_it))
        .order_by(messages.c.channel_id, func.length(messages.c.platform_id), messages.c.platform_id)
        .with_for_update(of=messages, key_share=True)
    )


_ARCHIVED_CHANNELS = {dialect: _archived_channels(dialect) for dialect in INSERT}
_STORED_MESSAGES = {dialect: _stored_messages(dialect) for dialect in INSERT}


async def stored_ones(connection: AsyncConnection, changes: Sequence[MessageChange]) -> list[StoredChange]:
    """Those of the changes that are of stored messages in archived channels."""
    dialect = connection.dialect.name
    places = {(change.tenant_id, change.channel_id) for change in changes}
    asked = dump_json([{"tenant_id": tenant, "platform_id": channel} for tenant, channel in places])
    found = await connection.execute(_ARCHIVED_CHANNELS[dialect], {"places": asked})
    ids = {(tenant, channel): channel_id for tenant, channel, channel_id in found}
    told = {(ids.get((c.tenant_id, c.channel_id)), c.message_id): c for c in changes}
    asked = dump_json([{"channel_id": c, "message_platform_id": m} for c, m in told if c is not None])
    rows = await connection.execute(_STORED_MESSAGES[dialect], {"told": asked})
    return [
        StoredChange(change=told[channel_id, message_id], channel_id=channel_id, edited_at=edited_at)
        for channel_id, message_id, edited_at in rows
    ]


async def save_edits(
    connection: AsyncConnection, stored: Iterable[StoredChange], redactors: Mapping[str, Redactor], now: datetime
) -> None:
    """Make rows and attachments what was told last; reaction totals have events of their own."""
    records: dict[tuple[str, int], list[MessageRecord]] = {}
    for one in stored:
        if one.edited is not None:
            redactor = redactors[one.change.tenant_id]
            record = replace(one.edited, reaction_totals=())
            known = redactor.message(record) if redactor else record
            records.setdefault((one.change.tenant_id, one.channel_id), []).append(known)
    if not records:
        return
    told = [ChannelBatch(*place, storable(some)) for place, some in records.items()]
    await write_channels(connection, told, now)
    await delete_stale_attachments(connection, [(some.channel_id, r) for some in told for r in some.records])


def _mark_deleted(dialect: str) -> Update:
    """``deleted`` is an array of {channel_id, message_id}."""
    deleted = json_table(dialect, "deleted", channel_id=RowId, message_platform_id=Id())
    return (
        update(messages)
        .where(tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(deleted)))
        .where(messages.c.deleted_at.is_(None))
        .values(deleted_at=_NOW, updated_at=_NOW)
    )


_MARK_DELETED = {dialect: _mark_deleted(dialect) for dialect in INSERT}


async def mark_deleted(connection: AsyncConnection, stored: Iterable[StoredChange], now: datetime) -> None:
    """Their rows stay; when it was told first stays too."""
    deleted = [
        {"channel_id": one.channel_id, "message_platform_id": one.change.message_id}
        for one in stored
        if one.change.is_deleted
    ]
    if deleted:
        statement = _MARK_DELETED[connection.dialect.name]
        await connection.execute(statement, {"deleted": dump_json(deleted), "now": now})


async def refetch(connection: AsyncConnection, stored: Iterable[StoredChange], now: datetime) -> None:
    """Have messages read by the next repair, each once."""
    touched = [(c.tenant_id, c.channel_id, c.message_id) for c in (one.change for one in stored) if c.is_invalidated]
    await add_refetches(connection, touched, now)
