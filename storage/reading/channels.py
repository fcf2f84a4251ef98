"""Channels, threads and posts as a reader is shown them."""

from collections.abc import Iterable

from sqlalchemy import RowMapping, bindparam, or_, select
from sqlalchemy.types import Text

from storage.connection import Readable, finish_before_cancel
from storage.reading.model import ShownChannel
from storage.sql import (
    AFTER_ID,
    CHANNEL_ID,
    CHANNEL_PLATFORM_ID,
    LIMIT,
    MESSAGE_PLATFORM_ID,
    TENANT_ID,
    Id,
    all_rows,
    dump_json,
    fields_of,
    json_strings,
    one_row,
)
from storage.tables import channels, messages

_parent = channels.alias("parent")
SHOWN_CHANNELS = select(
    *(channels.c[name] for name in ("id", "tenant_id", "platform_id", "name", "type", "sync_state", "skip_reason")),
    channels.c.skipped_since,
    channels.c.metadata,
    _parent.c.platform_id.label("parent_platform_id"),
    _parent.c.name.label("parent_name"),
    _parent.c.type.label("parent_type"),
).select_from(channels.outerjoin(_parent, _parent.c.id == channels.c.parent_id))
"""What a ``ShownChannel`` is made of."""

_ONE = SHOWN_CHANNELS.where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
_NAMED = (
    SHOWN_CHANNELS.where(channels.c.tenant_id == TENANT_ID)
    .where(
        or_(channels.c.platform_id == bindparam("given", type_=Id), channels.c.name == bindparam("given", type_=Text))
    )
    .order_by(channels.c.type == "thread", channels.c.id)
    .limit(LIMIT)
)
_HOLDING = (
    SHOWN_CHANNELS.join(messages, messages.c.channel_id == channels.c.id)
    .where(channels.c.tenant_id == TENANT_ID, messages.c.platform_id == MESSAGE_PLATFORM_ID)
    .order_by(channels.c.id)
    .limit(1)
)
# By the index over tenant and channel: the threads, of which there may be very many, are passed over in it.
_THREADS = (
    SHOWN_CHANNELS.where(channels.c.parent_id == CHANNEL_ID, channels.c.type == "thread", channels.c.id < AFTER_ID)
    .order_by(channels.c.id.desc())
    .limit(LIMIT)
)
_NAMES = select(channels.c.platform_id, channels.c.name).where(
    channels.c.tenant_id == TENANT_ID, channels.c.platform_id.in_(select(json_strings("named")))
)
_LAST_ID = 2**63 - 1


@finish_before_cancel
async def channel_of(db: Readable, tenant_id: str, channel_platform_id: str) -> ShownChannel | None:
    """Look up a channel, thread or post of a tenant by the platform's id; None where it is not known."""
    async with db.asking() as connection:
        row = await one_row(connection, _ONE, {"tenant": tenant_id, "channel_platform": channel_platform_id})
    return None if row is None else channel_of_row(row)


@finish_before_cancel
async def channels_called(db: Readable, tenant_id: str, given: str, *, limit: int = 10) -> list[ShownChannel]:
    """Find the channels and threads of a tenant that have a name, or the platform's id; channels before threads."""
    async with db.asking() as connection:
        rows = await all_rows(connection, _NAMED, {"tenant": tenant_id, "given": given, "limit": limit})
    return [channel_of_row(row) for row in rows]


@finish_before_cancel
async def channel_holding(db: Readable, tenant_id: str, message_id: str) -> ShownChannel | None:
    """Find the channel or thread of a tenant in which a message is archived, by the platform's id of the message."""
    async with db.asking() as connection:
        row = await one_row(connection, _HOLDING, {"tenant": tenant_id, "message": message_id})
    return None if row is None else channel_of_row(row)


@finish_before_cancel
async def threads_of(
    db: Readable, channel: ShownChannel, *, after: int | None = None, limit: int = 50
) -> list[ShownChannel]:
    """List a page of the threads or posts of a channel, those that were first seen last at first.

    Args:
        db: the archive.
        channel: their channel or forum.
        after: the ``id`` of the last one of the page before; None: the first page.
        limit: how many at most.
    """
    values = {"channel": channel.id, "after": _LAST_ID if after is None else after, "limit": limit}
    async with db.asking() as connection:
        return [channel_of_row(row) for row in await all_rows(connection, _THREADS, values)]


@finish_before_cancel
async def channel_names(db: Readable, tenant_id: str, channel_platform_ids: Iterable[str]) -> dict[str, str | None]:
    """Look up the names of channels that a text mentions, by the platform's ids; unknown ones are left out."""
    named = dump_json(sorted(set(channel_platform_ids)))
    async with db.asking() as connection:
        rows = await all_rows(connection, _NAMES, {"tenant": tenant_id, "named": named})
    return {row["platform_id"]: row["name"] for row in rows}


def channel_of_row(row: RowMapping) -> ShownChannel:
    """Make a channel of a row of ``SHOWN_CHANNELS``."""
    return ShownChannel(**fields_of(row, ShownChannel))
