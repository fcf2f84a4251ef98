"""Tenants one by one, in lists and in figures."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import RowMapping, func, select

from storage.connection import Readable, finish_before_cancel
from storage.database import Database
from storage.sql import PLATFORM, TENANT_IDS, all_rows, one_row
from storage.tables import channels, sync_progress, tenants
from storage.tenants.model import FIND_TENANT, SyncStatus, Tenant, tenant_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTotals:
    """What is kept of a tenant. Every channel the platform listed counts, categories too."""

    channels: int
    channels_archived: int
    channels_skipped: int
    messages: int


@finish_before_cancel
async def get_tenant(db: Readable, tenant_id: str) -> Tenant | None:
    """Return a tenant, a purged one too, or None where there is no such one."""
    async with db.reading() as connection:
        row = await one_row(connection, FIND_TENANT, {"tenant": tenant_id})
    return None if row is None else tenant_of(row)


@finish_before_cancel
async def list_tenants(
    db: Database,
    *,
    after: str | None = None,
    limit: int = 100,
    platform: str | None = None,
    with_purged: bool = False,
) -> list[Tenant]:
    """List tenants by id, those behind ``after`` only, of every platform or of one; without the purged ones."""
    query = select(tenants).order_by(tenants.c.id).limit(limit)
    if not with_purged:
        query = query.where(tenants.c.purged_at.is_(None))
    if after is not None:
        query = query.where(tenants.c.id > after)
    if platform is not None:
        query = query.where(tenants.c.platform == platform)
    async with db.reading() as connection:
        return [tenant_of(row) for row in await all_rows(connection, query)]


async def tenant_pages(
    db: Database, *, platform: str | None = None, with_purged: bool = False
) -> AsyncIterator[list[Tenant]]:
    """Yield all tenants by id, some at a time, of every platform or of one; without the purged ones."""
    page = await list_tenants(db, platform=platform, with_purged=with_purged)
    while page:
        yield page
        page = await list_tenants(db, after=page[-1].id, platform=platform, with_purged=with_purged)


_CONNECTED = (
    select(tenants.c.id)
    .where(tenants.c.platform == PLATFORM, tenants.c.sync_status != "disconnected", tenants.c.purged_at.is_(None))
    .order_by(tenants.c.id)
)


@finish_before_cancel
async def list_connected(db: Database, platform: str) -> list[str]:
    """List the ids of the tenants of a platform that have the bot."""
    async with db.reading() as connection:
        return list((await connection.execute(_CONNECTED, {"of_platform": platform})).scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFreshness:
    """How recent a tenant's archive is."""

    id: str
    platform: str
    sync_status: SyncStatus
    last_sync_at: datetime | None
    last_successful_sync_at: datetime | None


_FRESHNESS = (
    select(*(tenants.c[field.name] for field in fields(TenantFreshness)))
    .where(tenants.c.stopped_at.is_(None))
    .order_by(tenants.c.id)
)


@finish_before_cancel
async def freshness(db: Database) -> list[TenantFreshness]:
    """List how recent the archives of all tenants are that are not stopped, by id."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _FRESHNESS)
    return [TenantFreshness(**row | {"sync_status": SyncStatus(row["sync_status"])}) for row in map(dict, rows)]


_COUNT = select(func.count()).select_from(tenants).where(tenants.c.stopped_at.is_(None))


@finish_before_cancel
async def count_tenants(db: Database) -> int:
    """Count the tenants that are not stopped."""
    async with db.reading() as connection:
        return (await connection.execute(_COUNT)).scalar_one()


_TOTALS = (
    select(
        channels.c.tenant_id,
        func.count().label("channels"),
        func.count().filter(channels.c.skip_reason.is_(None)).label("archived"),
        func.coalesce(func.sum(sync_progress.c.messages_archived), 0).label("messages"),
    )
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id.in_(TENANT_IDS))
    .group_by(channels.c.tenant_id)
)


@finish_before_cancel
async def totals_of(db: Readable, tenant_ids: Sequence[str]) -> dict[str, TenantTotals]:
    """Add up what is kept of each of some tenants by its channels' progress: no message is counted."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _TOTALS, {"tenants": list(tenant_ids)})
    nothing = TenantTotals(channels=0, channels_archived=0, channels_skipped=0, messages=0)
    return dict.fromkeys(tenant_ids, nothing) | {row["tenant_id"]: _totals(row) for row in rows}


async def tenant_totals(db: Readable, tenant_id: str) -> TenantTotals:
    """Add up what is kept of a tenant."""
    return (await totals_of(db, [tenant_id]))[tenant_id]


def _totals(row: RowMapping) -> TenantTotals:
    return TenantTotals(
        channels=row["channels"],
        channels_archived=row["archived"],
        channels_skipped=row["channels"] - row["archived"],
        messages=int(row["messages"]),
    )
