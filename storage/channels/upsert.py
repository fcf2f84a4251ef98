"""Storing channels as a listing or an event shows them. Who is skipped since when is decided in SQL: nothing is read
back.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal_column, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Boolean, Integer, Text

from adapters.records import ChannelRecord
from storage.channels.new import begin_new
from storage.channels.rows import prepared_rows
from storage.channels.skip import (
    HAS_UNKNOWN_PARENT,
    let_threads_follow,
    lock_channels,
    since,
    state_of,
    unmonitored_since,
)
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import (
    CHANNEL_PLATFORM_ID,
    NOW,
    TENANT_ID,
    Id,
    Insert,
    JsonObject,
    UtcDateTime,
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
    bindparam("listed_given", type_=Boolean).label("is_listed"),
    bindparam("count_given", type_=Integer).label("message_count"),
    bindparam("metadata", type_=JsonObject).label("metadata"),
    NOW.label("now"),
).subquery("given")
# Nothing is stored for a tenant whose archive is deleted while its sync still runs.
_is_kept = select(tenants.c.id).where(tenants.c.id == _given.c.tenant_id, tenants.c.purged_at.is_(None)).exists()
_reason = case(
    (_given.c.own_skip_reason.is_not(None), _given.c.own_skip_reason),
    (_given.c.type != "thread", None),
    (_parent.c.id.is_(None), literal_column("'bot_lacks_access'", Text)),
    else_=_parent.c.skip_reason,
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
    "hidden_at": case((_given.c.own_skip_reason != "unsupported", bindparam("received_at", type_=UtcDateTime))),
    "head_platform_id": _given.c.head_platform_id,
    "archived_at": _given.c.archived_at,
    "is_listed": _given.c.is_listed,
    "message_count": _given.c.message_count,
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


def _save_channel(
    stays_skipped: Callable[[Any], ColumnElement[bool]], is_outdated: ColumnElement[bool] | None = None
) -> Insert:
    """Build the upsert of channel rows; a skipped one keeps its skip reason where ``stays_skipped`` says so.

    ``stays_skipped`` is called with the given row. An archived channel can become skipped in any case. Where
    ``is_outdated`` the stored row is the newer one, but for its skip reason and its head.
    """
    statement = insert(channels).from_select(list(_columns), _found)
    given, stored = statement.excluded, channels.c
    keeps = and_(stored.skip_reason.is_not(None), stays_skipped(given))
    reason = case((keeps, stored.skip_reason), else_=given.skip_reason)
    described: dict[str, ColumnElement[Any]] = {
        "parent_id": given.parent_id,
        "type": given.type,
        "archived_at": given.archived_at,
        "is_listed": given.is_listed,
        "message_count": given.message_count,
        "name": func.coalesce(given.name, stored.name),
        "metadata": case((given.own_skip_reason == "obfuscated", stored.metadata), else_=given.metadata),
    }
    if is_outdated is not None:
        newer = {name: stored[name] for name in described} | {
            "parent_id": case((HAS_UNKNOWN_PARENT, given.parent_id), else_=stored.parent_id),
            "name": func.coalesce(stored.name, given.name),  # an event may come without
        }
        described = {name: case((is_outdated, newer[name]), else_=value) for name, value in described.items()}
    return update_changed(
        statement,
        ("tenant_id", "platform_id"),
        (),
        revised=described
        | {
            "head_platform_id": func.coalesce(given.head_platform_id, stored.head_platform_id),
            "skip_reason": reason,
            "own_skip_reason": case((keeps, stored.own_skip_reason), else_=given.own_skip_reason),
            "hidden_at": func.coalesce(given.hidden_at, stored.hidden_at),
        },
        along={
            "sync_state": state_of(reason),
            "skipped_since": since(reason, given.updated_at),
            "unmonitored_since": unmonitored_since(reason, given.updated_at),
        },
    )


# A channel reported as hidden after a listing began may have been listed before it was hidden.
SAVE_LISTED = _save_channel(
    lambda _: channels.c.hidden_at >= bindparam("began", type_=UtcDateTime), bindparam("is_outdated", type_=Boolean)
)
# An event can hide a channel at once, but not show one again: another event, about a role, may have been missed. A
# thread that was skipped for want of its parent alone shares what the parent is, which a listing has shown since.
_SAVE_CHANGED = _save_channel(lambda given: and_(given.skip_reason.is_(None), not_(HAS_UNKNOWN_PARENT)))


@finish_before_cancel
async def save_changed_channels(
    db: Database,
    tenant_id: str,
    records: Sequence[ChannelRecord],
    now: datetime,
    *,
    received_at: Mapping[str, datetime] = MappingProxyType({}),
    new: Collection[str] = (),
    guard: Callable[[AsyncConnection], Awaitable[None]] | None = None,
) -> None:
    """Store channels from events, and update the skip reasons of their threads.

    An event can make a channel skipped, but never archived again. For an unknown tenant nothing is stored, and for a
    stopped one only what is hidden: its job may run on for a moment.

    Args:
        db: the archive.
        tenant_id: ours.
        records: the channels as the events describe them.
        now: the time of the rows' change.
        received_at: when each event was received, by the channel's platform id; default: now.
        new: those that were made just now, by their platform ids: there is nothing in them to be read.
        guard: called first in the transaction; it raises where nothing may be written.
    """
    async with db.writing() as connection:
        if guard is not None:
            await guard(connection)
        if not await lock_channels(connection, tenant_id):
            records = [record for record in records if record.skip_reason is not None]
        async for rows in prepared_rows(connection, tenant_id, records, now):
            received = [row | {"received_at": received_at.get(str(row["channel_platform"]), now)} for row in rows]
            await connection.execute(_SAVE_CHANGED, received)
        await let_threads_follow(connection, tenant_id, [record.platform_id for record in records], now)
        if new:
            await begin_new(connection, tenant_id, new, now)
