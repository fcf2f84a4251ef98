"""What is to be read again, because it may have changed behind the checkpoints."""

from sqlalchemy import func, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.repair.model import RefetchRange, range_of
from storage.sql import TENANT_ID, rows_in_slices
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
    .order_by(refetch_ranges.c.channel_id, refetch_ranges.c.id)
)
_COUNT = (
    select(func.count())
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
)


@finish_before_cancel
async def pending_ranges(db: Database, tenant_id: str) -> list[RefetchRange]:
    """List what is to be read again in a tenant's archived channels, channel by channel."""
    async with db.reading() as connection:
        slices = rows_in_slices(connection, _PENDING, {"tenant": tenant_id})
        return [range_of(row) async for rows in slices for row in rows]


@finish_before_cancel
async def count_pending_ranges(db: Database, tenant_id: str) -> int:
    """Count them."""
    async with db.reading() as connection:
        return int((await connection.execute(_COUNT, {"tenant": tenant_id})).scalar_one())
