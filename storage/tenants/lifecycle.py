"""Stopping a tenant's syncs on its administrator's request, and taking them up again."""

from datetime import datetime

from sqlalchemy import and_, bindparam, case, null, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import CANCEL, SETTLE
from storage.repair import GapReason, add_gap
from storage.sql import UtcDateTime, one_row
from storage.tables import sync_jobs, tenants
from storage.tenants.model import FIND_TENANT, SyncStatus, Tenant, tenant_of

_NOW = bindparam("now", type_=UtcDateTime)
_STOP = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"), tenants.c.stopped_at.is_(None))
    .values(stopped_at=_NOW, updated_at=_NOW)
)
_CALL_OFF_JOB = CANCEL.where(sync_jobs.c.tenant_id == bindparam("of_tenant"))


@finish_before_cancel
async def stop_tenant(db: Database, tenant_id: str, now: datetime) -> Tenant | None:
    """Run no more syncs of a tenant: its waiting job is cancelled at once, a running one's worker is told.

    Stopping it again changes nothing. What is archived stays. What changes meanwhile is not told: a gap begins.

    Returns:
        The tenant as it is now; None where there is no such one.
    """
    async with db.writing() as connection:
        # The job first: everybody else, too, locks a job before its tenant.
        await connection.execute(_CALL_OFF_JOB, {"of_tenant": tenant_id, "now": now})
        await add_gap(connection, tenant_id, GapReason.STOPPED, began_at=now, ended_at=None, now=now)
        await connection.execute(_STOP, {"tenant_id": tenant_id, "now": now})
        await connection.execute(SETTLE, {"tenant_id": tenant_id, "now": now})
        row = await one_row(connection, FIND_TENANT, {"tenant_id": tenant_id})
    return None if row is None else tenant_of(row)


_STOPPED_AT = select(tenants.c.stopped_at).where(tenants.c.id == bindparam("tenant_id")).with_for_update(key_share=True)
_forgotten = tenants.c.purged_at.is_not(None)
_is_connected = tenants.c.sync_status != SyncStatus.DISCONNECTED
_RESUME = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"), tenants.c.stopped_at.is_not(None))
    .values(
        stopped_at=null(),
        purged_at=null(),
        last_sync_at=case((_forgotten, null()), else_=tenants.c.last_sync_at),
        last_successful_sync_at=case((_forgotten, null()), else_=tenants.c.last_successful_sync_at),
        sync_status=case((and_(_forgotten, _is_connected), SyncStatus.PENDING.value), else_=tenants.c.sync_status),
        updated_at=_NOW,
    )
)


@finish_before_cancel
async def resume_tenant(db: Database, tenant_id: str, now: datetime) -> Tenant | None:
    """Let syncs of a stopped tenant be asked for again. A purged one begins anew, as if it had never been synced.

    Its gap ends, unless the bot is not in it.

    Returns:
        The tenant as it is now; None where there is no such one.
    """
    async with db.writing() as connection:
        stopped_at = (await connection.execute(_STOPPED_AT, {"tenant_id": tenant_id})).scalar_one_or_none()
        await connection.execute(_RESUME, {"tenant_id": tenant_id, "now": now})
        row = await one_row(connection, FIND_TENANT, {"tenant_id": tenant_id})
        if stopped_at is not None and row is not None:
            ended_at = now if tenant_of(row).is_connected else None
            await add_gap(connection, tenant_id, GapReason.STOPPED, began_at=stopped_at, ended_at=ended_at, now=now)
    return None if row is None else tenant_of(row)
