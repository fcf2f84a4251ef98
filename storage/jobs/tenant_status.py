"""A tenant's status follows from its jobs; it is worked out in one place."""

from datetime import datetime

from sqlalchemy import String, case, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.sql import NOW, TENANT_ID
from storage.tables import sync_jobs, tenants, unfinished

_is_of_tenant = sync_jobs.c.tenant_id == tenants.c.id

_STATUS_BY_UNFINISHED = (
    select(
        case(
            (sync_jobs.c.status == "running", "syncing"),
            (sync_jobs.c.kind == "initial", "pending"),
            else_=None,
        )
    )
    .where(_is_of_tenant, unfinished(sync_jobs))
    .correlate(tenants)
    .scalar_subquery()
)
_STATUS_BY_LAST_END = (
    select(case((sync_jobs.c.status == "succeeded", "ok"), else_=sync_jobs.c.status))
    .where(_is_of_tenant, ~unfinished(sync_jobs), sync_jobs.c.status != "cancelled")
    .order_by(sync_jobs.c.id.desc())
    .limit(1)
    .correlate(tenants)
    .scalar_subquery()
)

SETTLED_STATUS = func.coalesce(_STATUS_BY_UNFINISHED, _STATUS_BY_LAST_END, literal_column("'pending'", String))
"""What the status of a connected tenant is: ``syncing`` while a job runs, ``pending`` while an initial one waits,
else how the last job ended (a cancelled one does not count), else ``pending``."""

_SETTLE = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID)
    .where(tenants.c.sync_status.not_in(["disconnected", SETTLED_STATUS]))
    .values(sync_status=SETTLED_STATUS, updated_at=NOW)
)


async def settle_status(connection: AsyncConnection, tenant_id: str, now: datetime) -> None:
    """Bring a tenant's status in line after its jobs changed. A disconnected one stays so."""
    await connection.execute(_SETTLE, {"tenant": tenant_id, "now": now})
