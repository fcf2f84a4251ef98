"""Mark messages as deleted, and take marks back: the rows stay."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, null, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.sql import NOW, Id, RowId, UtcDateTime, dump_json, json_objects
from storage.tables import messages

_deleted = json_objects("deleted", channel_id=RowId, message_platform_id=Id())
_MARK_DELETED = (
    update(messages)
    .where(tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(_deleted)))
    .where(messages.c.deleted_at.is_(None))
    .values(deleted_at=NOW, updated_at=NOW)
)

_seen = json_objects("seen", channel_id=RowId, message_platform_id=Id())
_UNMARK_DELETED = (
    update(messages)
    .where(tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(_seen)))
    .where(messages.c.deleted_at < bindparam("before", type_=UtcDateTime))
    .values(deleted_at=null(), updated_at=NOW)
)


async def unmark_rows_deleted(
    connection: AsyncConnection, keys: Collection[tuple[int, str]], *, before: datetime, now: datetime
) -> None:
    """Remove the deletion marks of messages that were set before the messages were seen."""
    if keys:
        seen = _as_json(keys)
        await connection.execute(_UNMARK_DELETED, {"seen": seen, "before": before, "now": now})


async def mark_rows_deleted(connection: AsyncConnection, keys: Collection[tuple[int, str]], now: datetime) -> None:
    """Mark messages (``channels.id`` and the platform's id) as deleted; rows are kept, and so are earlier marks."""
    if not keys:
        return
    deleted = _as_json(keys)
    await connection.execute(_MARK_DELETED, {"deleted": deleted, "now": now})


def _as_json(keys: Collection[tuple[int, str]]) -> str:
    return dump_json([{"channel_id": channel_id, "message_platform_id": message_id} for channel_id, message_id in keys])
