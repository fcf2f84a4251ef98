"""Giving positions to what was changed.

Several transactions write at once on PostgreSQL, and are committed in another order than they began. So a change gets
its position only once it is committed: by a later transaction, and by one at a time. Whoever sees a position sees
everything that has a lower one, or has got a higher one since.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping, delete, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.changes.new_messages import has_new_messages, take_new_messages
from storage.connection import finish_before_cancel, take_numbering_turn
from storage.database import Database
from storage.sql import LIMIT, NOW, RowId, all_rows, dump_json, insert, json_objects, json_strings, types_of
from storage.tables import change_feeds, change_queue, channels, message_changes

_STEP = 2_000
"""How many changes a transaction takes: hundredths of a second."""
_NEW_AT_ONCE = 5  # times as many new messages, of which few rows are made

_WAITS = select(change_queue.c.id).order_by(change_queue.c.id).limit(1)
_TAKE = (
    select(change_queue, channels.c.tenant_id)
    .select_from(change_queue.outerjoin(channels, channels.c.id == change_queue.c.channel_id))
    .order_by(change_queue.c.id)
    .limit(LIMIT)
)
_taken = json_objects("taken", id=RowId)
_DONE = delete(change_queue).where(change_queue.c.id.in_(select(_taken.c.id)))

_BOUNDS = (
    select(change_feeds.c.tenant_id, change_feeds.c.bound)
    .where(change_feeds.c.tenant_id.in_(select(json_strings("tenants"))))
    .order_by(change_feeds.c.tenant_id)
    .with_for_update()
)
_bounds = json_objects("bounds", **types_of(change_feeds, ("tenant_id", "bound")))
_feed = {**{column.name: column for column in _bounds.c}, "created_at": NOW, "updated_at": NOW}
# Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
_insert_feed = insert(change_feeds).from_select(list(_feed), select(*_feed.values()).where(true()))
_SAVE_BOUNDS = _insert_feed.on_conflict_do_update(
    index_elements=["tenant_id"], set_={name: _insert_feed.excluded[name] for name in ("bound", "updated_at")}
)

_KEY = ("channel_id", "first_message_platform_id", "last_message_platform_id", "kind")
_NAMES = ("tenant_id", "position", *_KEY)
_rows = json_objects("rows", **types_of(message_changes, _NAMES))
_insert_change = insert(message_changes).from_select(list(_NAMES), select(*_rows.c).where(true()))
_SAVE = _insert_change.on_conflict_do_update(
    index_elements=_KEY, set_={name: _insert_change.excluded[name] for name in ("tenant_id", "position")}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def number_changes(db: Database, now: datetime, *, step: int = _STEP) -> bool:
    """Give positions to some of the changes that were committed and have none.

    Positions grow with the time (microseconds since 1970): where an older backup is restored, what changes from then on
    lies beyond all that was read before.

    Args:
        db: the archive.
        now: the time.
        step: how many changes at most.

    Returns:
        Whether there were as many, so that there may be more. If not, all that was committed before has positions.
    """
    async with db.reading() as connection:
        if not await _is_waiting(connection):
            return False
    return await _number(db, now, step)


async def _is_waiting(connection: AsyncConnection) -> bool:
    if (await connection.execute(_WAITS)).first() is not None:
        return True
    return connection.dialect.name == "sqlite" and await has_new_messages(connection)


@finish_before_cancel
async def _number(db: Database, now: datetime, step: int) -> bool:
    async with db.writing() as connection:
        await take_numbering_turn(connection)
        new: Sequence[RowMapping] = ()
        if db.dialect == "sqlite":
            new = await take_new_messages(connection, now, step * _NEW_AT_ONCE)
        taken = await all_rows(connection, _TAKE, {"limit": step})
        # Of a channel that has been deleted since nothing is left.
        await _place(connection, [row for row in (*new, *taken) if row["tenant_id"] is not None], now)
        await connection.execute(_DONE, {"taken": dump_json([{"id": row["id"]} for row in taken])})
    return len(taken) == step or sum(row["messages"] for row in new) == step * _NEW_AT_ONCE


async def _place(connection: AsyncConnection, changes: Sequence[RowMapping], now: datetime) -> None:
    newest = {tuple(row[name] for name in _KEY): row for row in changes}  # of equal ones one is enough
    tenants = sorted({row["tenant_id"] for row in changes})
    if not tenants:
        return
    rows = await all_rows(connection, _BOUNDS, {"tenants": dump_json(tenants)})
    bounds = dict.fromkeys(tenants, 0) | {row["tenant_id"]: row["bound"] for row in rows}
    least = (now - _EPOCH) // timedelta(microseconds=1)
    placed = []
    for row in newest.values():
        tenant_id = row["tenant_id"]
        bounds[tenant_id] = max(bounds[tenant_id] + 1, least)
        placed.append({name: row[name] for name in _KEY} | {"tenant_id": tenant_id, "position": bounds[tenant_id]})
    await _save(connection, placed, bounds.items(), now)


async def _save(
    connection: AsyncConnection, placed: list[dict[str, object]], bounds: Iterable[tuple[str, int]], now: datetime
) -> None:
    feeds = [{"tenant_id": tenant_id, "bound": bound} for tenant_id, bound in bounds]
    await connection.execute(_SAVE_BOUNDS, {"bounds": dump_json(feeds), "now": now})
    await connection.execute(_SAVE, {"rows": dump_json(placed)})
