"""Storing channels as a listing or an event shows them. Who is skipped since when is decided in SQL: nothing is read
back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import ChannelRecord
from storage.channels.skip import let_threads_follow, lock_channels, since, state_of, unmonitored_since
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy import redactor_for
from storage.sql import (
    CHANNEL_PLATFORM_ID,
    NOW,
    TENANT_ID,
    Id,
    Insert,
    JsonObject,
    UtcDateTime,
    clean,
    insert,
    update_changed,
)
from storage.tables import channels, tenants

_parent = channels.alias("parent")

# One channel as given; its parent is found by the platform's id, its reason is its own or, a thread, its parent's.
_given = select(
    TENANT_ID.label("tenant_id"),
    CHANNEL_PLATFORM_ID.label("platform_id"),
    bindparam("parent", type_=Id).label("parent_platform_id"),
    bindparam("name", type_=Text).label("name"),
    bindparam("type", type_=Text).label("type"),
    bindparam("reason", type_=Text).label("own_skip_reason"),
    bindparam("head", type_=Id).label("head_platform_id"),
    bindparam("archived_at_given", type_=UtcDateTime).label("archived_at"),
    bindparam("metadata", type_=JsonObject).label("metadata"),
    NOW.label("now"),
).subquery("given")
# Nothing is stored for a tenant whose archive is deleted while its sync still runs.
_is_kept = select(tenants.c.id).where(tenants.c.id == _given.c.tenant_id, tenants.c.purged_at.is_(None)).exists()
_reason = case(
    (_given.c.type == "thread", func.coalesce(_given.c.own_skip_reason, _parent.c.skip_reason)),
    else_=_given.c.own_skip_reason,
)
_columns: dict[str, ColumnElement[Any]] = {
    "tenant_id": _given.c.tenant_id,
    "platform_id": _given.c.platform_id,
    "parent_id": _parent.c.id,
    "name": _given.c.name,
    "type": _given.c.type,
    "sync_state": state_of(_reason),
    "skip_reason": _reason,
    "skipped_since": case((_reason.is_(None), None), else_=_given.c.now),
    "own_skip_reason": _given.c.own_skip_reason,
    "head_platform_id": _given.c.head_platform_id,
    "archived_at": _given.c.archived_at,
    "metadata": _given.c.metadata,
    "created_at": _given.c.now,
    "updated_at": _given.c.now,
}
_found = (
    select(*_columns.values())
    .select_from(
        _given.outerjoin(
            _parent,
            and_(_parent.c.tenant_id == _given.c.tenant_id, _parent.c.platform_id == _given.c.parent_platform_id),
        )
    )
    # Without a WHERE in between, SQLite would take ON CONFLICT for the ON of the join.
    .where(_is_kept)
)


def _save_channel() -> Insert:
    statement = insert(channels).from_select(list(_columns), _found)
    given, stored = statement.excluded, channels.c
    return update_changed(
        statement,
        ("tenant_id", "platform_id"),
        ("parent_id", "type", "skip_reason", "own_skip_reason", "archived_at"),
        revised={
            "name": func.coalesce(given.name, stored.name),
            "head_platform_id": func.coalesce(given.head_platform_id, stored.head_platform_id),
            "metadata": case((given.own_skip_reason == "obfuscated", stored.metadata), else_=given.metadata),
        },
        along={
            "sync_state": given.sync_state,
            "skipped_since": since(given.skip_reason, given.updated_at),
            "unmonitored_since": unmonitored_since(given.skip_reason, given.updated_at),
        },
    )


_SAVE_CHANNEL = _save_channel()


@finish_before_cancel
async def save_channels(db: Database, tenant_id: str, records: Sequence[ChannelRecord], now: datetime) -> None:
    """Store the channels of a listing, whatever its order; nothing is concluded from what is missing in it.

    A name of None keeps the stored one, an obfuscated record the stored metadata too. A thread that has no reason
    of its own takes its stored parent's. A row that does not change is not written.
    """
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await _save(connection, tenant_id, records, now)


@finish_before_cancel
async def save_changed_channels(db: Database, tenant_id: str, records: Sequence[ChannelRecord], now: datetime) -> None:
    """Store the channels of events, and let their threads follow them.

    Nothing is stored of a tenant that is stopped, or that is not stored yet.
    """
    async with db.writing() as connection:
        if await lock_channels(connection, tenant_id):
            await _save(connection, tenant_id, records, now)
            await let_threads_follow(connection, tenant_id, now)


_CURSOR = bindparam("cursor", type_=JsonObject)
_SAVE_CURSOR = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
    .where(channels.c.thread_cursor.is_distinct_from(_CURSOR))
    .values(thread_cursor=_CURSOR, updated_at=NOW)
)


@finish_before_cancel
async def save_threads(
    db: Database,
    tenant_id: str,
    parent_platform_id: str,
    records: Sequence[ChannelRecord],
    cursor: Mapping[str, str],
    now: datetime,
) -> None:
    """Store a page of archived threads together with the cursor that is true once they are stored."""
    values = {"tenant": tenant_id, "channel_platform": parent_platform_id, "cursor": dict(cursor), "now": now}
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await _save(connection, tenant_id, records, now)
        await connection.execute(_SAVE_CURSOR, values)


async def _save(connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord], now: datetime) -> None:
    """Write channels: the only way into their table, so that none is written unprepared."""
    prepared = await _prepare(connection, tenant_id, records)
    if prepared:
        await connection.execute(_SAVE_CHANNEL, [_row(tenant_id, record, now) for record in prepared])


async def _prepare(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord]
) -> list[ChannelRecord]:
    """Make channels fit to be stored: each id once and behind its parent, clean text, erased people redacted."""
    redactor = await redactor_for(connection, tenant_id)
    cleaned = (clean(record) for record in _parents_first(records))
    return [redactor.channel(record) for record in cleaned] if redactor else list(cleaned)


def _parents_first(records: Iterable[ChannelRecord]) -> Iterator[ChannelRecord]:
    """Order records so that each follows its parent; of two with one id the last is left. A circle is cut."""
    waiting = {record.platform_id: record for record in records}
    while waiting:
        chain = [waiting.pop(next(iter(waiting)))]
        while (parent := waiting.pop(chain[-1].parent_platform_id or "", None)) is not None:
            chain.append(parent)
        yield from reversed(chain)


def _row(tenant_id: str, record: ChannelRecord, now: datetime) -> dict[str, object]:
    return {
        "tenant": tenant_id,
        "channel_platform": record.platform_id,
        "parent": record.parent_platform_id,
        "name": record.name,
        "type": record.type.value,
        "reason": record.skip_reason.value if record.skip_reason else None,
        "head": record.last_message_platform_id,
        "archived_at_given": record.archived_at,
        "metadata": dict(record.metadata),
        "now": now,
    }
