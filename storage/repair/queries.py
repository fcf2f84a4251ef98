"""What is to be read again, because it may have changed behind the checkpoints."""

from collections.abc import AsyncIterator

from sqlalchemy import func, select, tuple_

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.repair.model import RefetchRange, range_of
from storage.sql import AFTER_ID, AT_ONCE, CHANNEL_ID, TENANT_ID, all_rows
from storage.tables import channels, refetch_ranges

_parent = channels.alias("parent")
_PENDING = (
    select(
        refetch_ranges.c.id,
        refetch_ranges.c.channel_id,
        channels.c.platform_id.label("channel_platform_id"),
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.type,
        refetch_ranges.c.kind,
        refetch_ranges.c.after_platform_id,
        refetch_ranges.c.until_platform_id,
    )
    .select_from(
        refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id).outerjoin(
            _parent, _parent.c.id == channels.c.parent_id
        )
    )
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .where(tuple_(refetch_ranges.c.channel_id, refetch_ranges.c.id) > tuple_(CHANNEL_ID, AFTER_ID))
    .order_by(refetch_ranges.c.channel_id, refetch_ranges.c.id)
    .limit(AT_ONCE)
)
_COUNT = (
    select(func.count())
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
)


async def pending_ranges(db: Database, tenant_id: str) -> AsyncIterator[list[RefetchRange]]:
    """List what is to be read again in a tenant's archived channels, channel by channel, some at a time."""
    after, is_last = (0, 0), False
    while not is_last:
        some = await _page(db, tenant_id, after)
        is_last = len(some) < AT_ONCE
        if some:
            after = some[-1].channel_id, some[-1].id
            yield some


@finish_before_cancel
async def _page(db: Database, tenant_id: str, after: tuple[int, int]) -> list[RefetchRange]:
    values = {"tenant": tenant_id, "channel": after[0], "after": after[1]}
    async with db.reading() as connection:
        return [range_of(row) for row in await all_rows(connection, _PENDING, values)]


@finish_before_cancel
async def count_pending_ranges(db: Database, tenant_id: str) -> int:
    """Count them."""
    async with db.reading() as connection:
        return int((await connection.execute(_COUNT, {"tenant": tenant_id})).scalar_one())
