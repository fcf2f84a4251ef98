"""Which stored message is a channel's newest one, up to its checkpoint or beyond, where messages are stored early."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from storage.channels import is_beyond
from storage.messages import Newest, later
from storage.sql import TENANT_ID, Id, RowId, UtcDateTime, dump_json, json_objects, rows_in_slices
from storage.tables import messages, sync_progress

_some = json_objects("some", id=RowId)
_NEWEST = (
    select(
        messages.c.channel_id.label("id"),
        func.max(messages.c.platform_id, type_=Id).label("message_id"),
        func.max(messages.c.sent_at, type_=UtcDateTime).label("sent_at"),
    )
    .where(messages.c.deleted_at.is_(None))
    .group_by(messages.c.channel_id, func.length(messages.c.platform_id, type_=Integer))  # as text, of one length
)
_ACTIVE = _NEWEST.where(messages.c.tenant_id == TENANT_ID, messages.c.sent_at >= bindparam("since", type_=UtcDateTime))
_EARLY = (
    _NEWEST.outerjoin(sync_progress, sync_progress.c.channel_id == messages.c.channel_id)
    .where(messages.c.channel_id.in_(select(_some.c.id)))
    .where(is_beyond(messages.c.platform_id, sync_progress.c.last_message_platform_id))
)


async def newest_since(connection: AsyncConnection, tenant_id: str, since: datetime) -> dict[int, Newest]:
    """Find a tenant's channels (``channels.id``) with messages sent since a time, and the newest of each."""
    return await _newest(connection, _ACTIVE, {"tenant": tenant_id, "since": since})


async def newest_early(connection: AsyncConnection, channel_ids: Collection[int]) -> dict[int, Newest]:
    """Find the newest message beyond the checkpoint, in those of the channels (``channels.id``) that have any."""
    some = dump_json([{"id": channel_id} for channel_id in channel_ids])
    return await _newest(connection, _EARLY, {"some": some}) if channel_ids else {}


def checkpoint_of(progress: RowMapping) -> Newest | None:
    """Return the message at a channel's checkpoint; None where it has none."""
    message_id = progress["last_message_platform_id"]
    return None if message_id is None else (message_id, progress["last_message_at"])


async def _newest(connection: AsyncConnection, query: Select[Any], values: Mapping[str, object]) -> dict[int, Newest]:
    found: dict[int, Newest] = {}
    async for rows in rows_in_slices(connection, query, values):
        for row in rows:
            newest = row["message_id"], row["sent_at"]
            found[row["id"]] = later(found.get(row["id"]), newest)
    return found
