"""Single messages that are to be read again, because an event said too little of them or could not be written."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal_column, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.ids import number
from storage.channels import is_beyond
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import NOW, Id, Insert, dump_json, insert, json_objects
from storage.tables import channels, messages, refetch_ranges, sync_jobs, sync_progress, unfinished

MessageRef: TypeAlias = tuple[str, str, str]
"""A tenant's id, and the platform's ids of a channel and of a message."""

Changed: TypeAlias = Callable[[], Collection[MessageRef]]
"""Returns the messages with events since the data being stored was prepared; called as late as possible."""

_CHUNK = 5_000
"""How many messages a transaction takes."""


def _add(*, read_elsewhere: bool = False) -> Insert:
    given = json_objects("refs", tenant_id=Id(), channel_platform_id=Id(), platform_id=Id(), after_platform_id=Id())
    is_channel = and_(channels.c.tenant_id == given.c.tenant_id, channels.c.platform_id == given.c.channel_platform_id)
    values: dict[str, ColumnElement[Any]] = {
        "channel_id": channels.c.id,
        "kind": literal_column("'refetch'", Text),
        "after_platform_id": given.c.after_platform_id,
        "until_platform_id": given.c.platform_id,
        "created_at": NOW,
        "updated_at": NOW,
    }
    # Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
    found = select(*values.values()).select_from(given.join(channels, is_channel)).where(true())
    if read_elsewhere:
        is_read = and_(
            sync_jobs.c.tenant_id == given.c.tenant_id, unfinished(sync_jobs), sync_jobs.c.status == "running"
        )
        elsewhere = select(sync_jobs.c.id).where(is_read, sync_jobs.c.owner != bindparam("this_owner", type_=Id))
        # Beyond the checkpoint a message may be stored early, and once more by the process that reads it.
        checkpoint = select(sync_progress.c.last_message_platform_id).where(sync_progress.c.channel_id == channels.c.id)
        is_unread = is_beyond(given.c.platform_id, checkpoint.scalar_subquery())
        is_message = and_(messages.c.channel_id == channels.c.id, messages.c.platform_id == given.c.platform_id)
        may_be_read = or_(~exists().where(is_message), is_unread)
        found = found.where(may_be_read, channels.c.skip_reason.is_(None), elsewhere.exists())
    return insert(refetch_ranges).from_select(list(values), found).on_conflict_do_nothing()


_ADD, _ADD_READ_ELSEWHERE = _add(), _add(read_elsewhere=True)


async def refetch(db: Database, keys: Collection[MessageRef], now: datetime) -> None:
    """Have messages read again by the next sync, each once. Unknown channels do not matter.

    Args:
        db: the archive.
        keys: which.
        now: when that was requested.
    """
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        await _refetch_chunk(db, ordered[start : start + _CHUNK], now)


@finish_before_cancel
async def _refetch_chunk(db: Database, keys: Iterable[MessageRef], now: datetime) -> None:
    async with db.writing() as connection:
        await add_refetches(connection, keys, now)


async def add_refetches(connection: AsyncConnection, keys: Iterable[MessageRef], now: datetime) -> None:
    """Have messages read again, like ``refetch``, in a transaction of the caller's."""
    if rows := _rows(keys):
        await connection.execute(_ADD, {"refs": dump_json(rows), "now": now})


async def refetch_read_elsewhere(
    connection: AsyncConnection, keys: Iterable[MessageRef], owner: str, now: datetime
) -> None:
    """Mark changed messages that were not read yet to be refetched, where another process than ``owner`` syncs.

    That process may have fetched them before they changed and not stored them yet, so the change had no row to apply
    to, or is about to be overwritten. Where no process syncs a tenant, a later sync reads the messages as changed.
    """
    if rows := _rows(keys):
        await connection.execute(_ADD_READ_ELSEWHERE, {"refs": dump_json(rows), "now": now, "this_owner": owner})


def _rows(keys: Iterable[MessageRef]) -> list[dict[str, str]]:
    return [
        {
            "tenant_id": tenant_id,
            "channel_platform_id": channel,
            "platform_id": message,
            "after_platform_id": str(max(number(message) - 1, 0)),  # behind it this one is the first one possible
        }
        for tenant_id, channel, message in sorted(keys)
    ]
