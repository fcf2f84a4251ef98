"""What is to be read again, because it may have changed behind the checkpoints."""

from sqlalchemy import case, func, select
from sqlalchemy.types import Integer

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.repair.model import RefetchKind, RefetchRange, range_of
from storage.sql import TENANT_ID, all_rows
from storage.tables import channels, refetch_ranges

_parent = channels.alias("parent")
_urgency = case({kind.value: place for place, kind in enumerate(RefetchKind)}, value=refetch_ranges.c.kind)
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
    .order_by(
        _urgency,
        refetch_ranges.c.channel_id,
        func.length(refetch_ranges.c.until_platform_id, type_=Integer),
        refetch_ranges.c.until_platform_id,
    )
)


@finish_before_cancel
async def pending_ranges(db: Database, tenant_id: str) -> list[RefetchRange]:
    """List what is to be read again in a tenant's archived channels: single messages, then gaps, then audits.

    Each of these by channel; in a channel the order of single messages is that of their numbers.
    """
    async with db.reading() as connection:
        return [range_of(row) for row in await all_rows(connection, _PENDING, {"tenant": tenant_id})]
