"""What is to be read again, because it may have changed behind the checkpoints."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping

from sqlalchemy import bindparam, func, select, tuple_
from sqlalchemy.types import Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.repair.model import RefetchKind, RefetchRange, range_of
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
        channels.c.visible_since,
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
    .where(refetch_ranges.c.kind == bindparam("of_kind", type_=Text))
    .where(tuple_(*_KEY) > tuple_(CHANNEL_ID, bindparam("behind_kind", type_=Text), bindparam("behind", type_=Id)))
    .order_by(*_KEY)
    .limit(AT_ONCE)
)
_COUNT = (
    select(refetch_ranges.c.kind, func.count().label("ranges"))
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .group_by(refetch_ranges.c.kind)
)


async def pending_ranges(db: Database, tenant_id: str) -> AsyncIterator[list[RefetchRange]]:
    """List what is to be read again in a tenant's archived channels, some ranges at a time.

    The most urgent kind comes first, and of one kind channel by channel.
    """
    counts = await count_pending_ranges(db, tenant_id)
    for kind in RefetchKind:
        if counts[kind]:  # else the pages would go through the ranges of all tenants to find that out
            async for some in _ranges_of_kind(db, tenant_id, kind):
                yield some


async def _ranges_of_kind(db: Database, tenant_id: str, kind: RefetchKind) -> AsyncIterator[list[RefetchRange]]:
    values, is_last = {"tenant": tenant_id, "of_kind": kind.value, "channel": 0, "behind_kind": "", "behind": ""}, False
    while not is_last:
        some = await _page(db, values)
        is_last = len(some) < AT_ONCE
        if some:
            last = some[-1]
            values |= {"channel": last.channel_id, "behind_kind": kind.value, "behind": last.until_platform_id}
            yield some


@finish_before_cancel
async def _page(db: Database, values: Mapping[str, object]) -> list[RefetchRange]:
    async with db.reading() as connection:
        return [range_of(row) for row in await all_rows(connection, _PENDING, values)]


@finish_before_cancel
async def count_pending_ranges(db: Database, tenant_id: str) -> Counter[RefetchKind]:
    """Count what is to be read again in a tenant's archived channels, by its kind."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _COUNT, {"tenant": tenant_id})
    return Counter({RefetchKind(row["kind"]): row["ranges"] for row in rows})
