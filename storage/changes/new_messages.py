"""On SQLite: which messages were stored since changes last got positions.

It has one transaction that writes at a time, and gives the next ``messages.id`` to each message: so what is new is what
has a higher one than was seen last, and storing a message costs nothing more. A trigger lowers that mark where the
newest messages are deleted, whose ids are given again.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Integer, RowMapping, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.sql import LIMIT, NOW, all_rows, insert
from storage.tables import archive_settings, change_queue, messages

_SETTING = "changes_numbered_id"  # also in the triggers of the migration

_mark = func.coalesce(
    select(cast(archive_settings.c.value, Integer)).where(archive_settings.c.name == _SETTING).scalar_subquery(), 0
)
_HAS_NEW = select(messages.c.id).where(messages.c.id > _mark).limit(1)
_recent = (
    select(*(messages.c[name] for name in ("id", "channel_id", "tenant_id", "platform_id", "created_at")))
    .where(messages.c.id > _mark)
    .order_by(messages.c.id)
    .limit(LIMIT)
    .subquery("recent")
)
_RUNS = (
    select(
        _recent.c.channel_id,
        func.min(_recent.c.tenant_id).label("tenant_id"),
        literal_column("'created'", Text).label("kind"),
        func.min(_recent.c.platform_id).label("first_message_platform_id"),
        func.max(_recent.c.platform_id).label("last_message_platform_id"),
        func.max(_recent.c.id).label("newest_id"),
        func.count().label("messages"),
    )
    .group_by(_recent.c.channel_id, _recent.c.created_at, func.length(_recent.c.platform_id))
    .order_by(func.min(_recent.c.id))
)
_NAMES = ("channel_id", "kind", "first_message_platform_id", "last_message_platform_id")
_QUEUE = insert(change_queue).from_select(
    list(_NAMES),
    select(
        messages.c.channel_id,
        literal_column("'created'", Text),
        func.min(messages.c.platform_id),
        func.max(messages.c.platform_id),
    )
    .where(messages.c.id > _mark)
    .group_by(messages.c.channel_id, messages.c.created_at, func.length(messages.c.platform_id)),
)
_insert = insert(archive_settings).values(
    name=_SETTING, value=bindparam("newest", type_=Text), created_at=NOW, updated_at=NOW
)
_MOVE = _insert.on_conflict_do_update(
    index_elements=["name"], set_={name: _insert.excluded[name] for name in ("value", "updated_at")}
)


async def has_new_messages(connection: AsyncConnection) -> bool:
    """Find out whether messages were stored since."""
    return (await connection.execute(_HAS_NEW)).first() is not None


async def take_new_messages(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Take the next messages that were stored since: those of one channel and one batch as one change."""
    runs = await all_rows(connection, _RUNS, {"limit": limit})
    if runs:
        newest = max(row["newest_id"] for row in runs)
        await connection.execute(_MOVE, {"newest": str(newest), "now": now})
    return runs


async def queue_new_messages(connection: AsyncConnection) -> None:
    """Note in ``change_queue`` what was stored since, in an archive that has come from SQLite to PostgreSQL."""
    await connection.execute(_QUEUE)
