"""What is to be read again, because it may have changed behind the checkpoints."""

from collections.abc import AsyncIterator, Mapping

from sqlalchemy import bindparam, func, select, tuple_
from sqlalchemy.types import Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.repair.model import RefetchRange, range_of
from storage.sql import AT_ONCE, CHANNEL_ID, TENANT_ID, Id, all_rows
from storage.tables import channels, refetch_ranges

_parent = channels.alias("parent")
# An expression, of which there is no index: a database is to begin at the ranges, in their order, and not at all
# channels of the tenant for each page.
_IS_OF_TENANT = func.coalesce(channels.c.tenant_id, "") == TENANT_ID
_KEY = (refetch_ranges.c.channel_id, refetch_ranges.c.kind, refetch_ranges.c.until_platform_id)
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
    .where(_IS_OF_TENANT, channels.c.skip_reason.is_(None))
    .where(tuple_(*_KEY) > tuple_(CHANNEL_ID, bindparam("behind_kind", type_=Text), bindparam("behind", type_=Id)))
    .order_by(*_KEY)
    .limit(AT_ONCE)
)
_COUNT = (
    select(func.count())
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
)


async def pending_ranges(db: Database, tenant_id: str) -> AsyncIterator[list[RefetchRange]]:
    """List what is to be read again in a tenant's archived channels, channel by channel, some at a time."""
    if not await count_pending_ranges(db, tenant_id):
        return  # the pages below would go through the ranges of all tenants to find that out
    values, is_last = {"tenant": tenant_id, "channel": 0, "behind_kind": "", "behind": ""}, False
    while not is_last:
        some = await _page(db, values)
        is_last = len(some) < AT_ONCE
        if some:
            last = some[-1]
            values |= {"channel": last.channel_id, "behind_kind": last.kind.value, "behind": last.until_platform_id}
            yield some


@finish_before_cancel
async def _page(db: Database, values: Mapping[str, object]) -> list[RefetchRange]:
    async with db.reading() as connection:
        return [range_of(row) for row in await all_rows(connection, _PENDING, values)]


@finish_before_cancel
async def count_pending_ranges(db: Database, tenant_id: str) -> int:
    """Count what is to be read again in a tenant's archived channels."""
    async with db.reading() as connection:
        return int((await connection.execute(_COUNT, {"tenant": tenant_id})).scalar_one())
