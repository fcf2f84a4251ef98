"""Begin channels that were made while the events of their community were received.

Such a channel is read to its end before its first message, so that its messages are stored from their events alone.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Boolean, Text

from storage.channels.checkpoint import ProgressState
from storage.sql import NOW, TENANT_ID, dump_json, insert, json_strings
from storage.tables import channels, sync_progress

_columns: dict[str, ColumnElement[Any]] = {
    "channel_id": channels.c.id,
    "is_read_to_end": literal_column("true", Boolean),
    "messages_archived": literal_column("0", BigInteger),
    "state": literal_column(f"'{ProgressState.COMPLETE}'", Text),
    "created_at": NOW,
    "updated_at": NOW,
}
_BEGIN = (
    insert(sync_progress)
    .from_select(
        list(_columns),
        select(*_columns.values())
        .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id.in_(select(json_strings("new"))))
        .where(channels.c.skip_reason.is_(None), channels.c.type.in_(["text", "thread"])),
    )
    .on_conflict_do_nothing()
)


async def begin_new(connection: AsyncConnection, tenant_id: str, new: Collection[str], now: datetime) -> None:
    """Mark new channels as read to their end, unless a sync has begun them already.

    Args:
        connection: the transaction that stores them.
        tenant_id: ours.
        new: their platform ids.
        now: the time of the rows.
    """
    await connection.execute(_BEGIN, {"tenant": tenant_id, "new": dump_json(list(new)), "now": now})
