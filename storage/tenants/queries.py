"""Communities whose history is kept.

Here are the questions that can be asked of them; what changes them is in ``tenant_saving``, ``tenant_stopping`` and
``tenant_holds`` and can be had from here.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import bindparam, func, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import all_rows, one_row
from storage.tables import channels, sync_progress, tenants
from storage.tenants.model import FIND_TENANT, SyncStatus, Tenant, tenant_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTotals:
    """What is kept of a tenant. Every channel the platform told of counts, categories too."""

    channels: int
    channels_archived: int
    channels_skipped: int
    messages: int


@finish_before_cancel
async def get_tenant(db: Database, tenant_id: str) -> Tenant | None:
    """The tenant, or None where there is no such one. One that was purged is told too."""
    async with db.reading() as connection:
        row = await one_row(connection, FIND_TENANT, {"tenant_id": tenant_id})
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
    """Tenants by id, those behind ``after`` only, of every platform or of one; without the purged ones."""
    query = select(tenants).order_by(tenants.c.id).limit(limit)
    if not with_purged:
        query = query.where(tenants.c.purged_at.is_(None))
    if after is not None:
        query = query.where(tenants.c.id > after)
    if platform is not None:
        query = query.where(tenants.c.platform == platform)
    async with db.reading() as connection:
        return [tenant_of(row) for row in await all_rows(connection, query)]


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
    """How recent the archives of all tenants are that are not stopped, by id."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _FRESHNESS)
    return [TenantFreshness(**row | {"sync_status": SyncStatus(row["sync_status"])}) for row in map(dict, rows)]


_TOTALS = (
    select(
        func.count(),
        func.count().filter(channels.c.skip_reason.is_(None)),
        func.coalesce(func.sum(sync_progress.c.messages_archived), 0),
    )
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id == bindparam("tenant_id"))
)


@finish_before_cancel
async def tenant_totals(db: Database, tenant_id: str) -> TenantTotals:
    """What is kept of a tenant, from its channels' progress: no message is counted."""
    async with db.reading() as connection:
        total, archived, messages = (await connection.execute(_TOTALS, {"tenant_id": tenant_id})).one()
    return TenantTotals(
        channels=total, channels_archived=archived, channels_skipped=total - archived, messages=int(messages)
    )
