"""Tenants come, change, are stopped by their administrator and resumed. A purged one stays bare until it is resumed."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, bindparam, case, func, literal, null, select, update

from adapters.records import TenantRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import UnknownTenant
from storage.jobs import CANCEL, SETTLED_STATUS, settle_status
from storage.repair import GapReason, add_gap
from storage.sql import NOW, TENANT_ID, Id, clean_text, differs, dump_json, insert, json_objects, one_row
from storage.tables import sync_jobs, tenants
from storage.tenants.model import FIND_TENANT, SyncStatus, Tenant, tenant_id_of, tenant_of
from storage.tenants.rate_limit import PLATFORM_WAIT, wait_setting
from storage.unwritten import settle_excluded

# Either key may be the one that another process got in first by: naming one would leave the other's conflict an error.
_CREATE = insert(tenants).values(not_before=PLATFORM_WAIT).on_conflict_do_nothing().returning(tenants)

_NEW_NAME = func.coalesce(bindparam("new_name", type_=tenants.c.name.type), tenants.c.name)
_NEW_METADATA = func.coalesce(bindparam("new_metadata", type_=tenants.c.metadata.type), tenants.c.metadata)
_NEW_STATUS = case(
    (~bindparam("connected", type_=literal(True).type), SyncStatus.DISCONNECTED.value),
    (tenants.c.sync_status == SyncStatus.DISCONNECTED, SETTLED_STATUS),
    else_=tenants.c.sync_status,
)
_REFRESH = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID, tenants.c.purged_at.is_(None))
    .where(
        differs(
            [(tenants.c.name, _NEW_NAME), (tenants.c.metadata, _NEW_METADATA), (tenants.c.sync_status, _NEW_STATUS)]
        )
    )
    .values(name=_NEW_NAME, metadata=_NEW_METADATA, sync_status=_NEW_STATUS, updated_at=NOW)
)


@finish_before_cancel
async def save_tenant(
    db: Database, platform: str, record: TenantRecord, *, connected: bool, now: datetime, part: str | None = None
) -> tuple[Tenant, bool]:
    """Store a community, or what has changed of it; True where it is new.

    A name of None and empty metadata keep what is stored. ``connected`` switches between ``disconnected`` and the
    status that the tenant's jobs give it. ``part`` is the part of the platform's connection by which a new one's events
    come, where that is known (``note_parts`` changes it). Where nothing changes nothing is written. A stopped tenant
    stays stopped; of a purged one nothing is written at all.
    """
    tenant_id = tenant_id_of(platform, record.platform_id)
    name = None if record.name is None else clean_text(record.name)
    new = {
        "id": tenant_id,
        "platform": platform,
        "platform_id": record.platform_id,
        "name": name,
        "part": part,
        "sync_status": SyncStatus.PENDING.value if connected else SyncStatus.DISCONNECTED.value,
        "setting": wait_setting(platform),
        "metadata": dict(record.metadata),
        "created_at": now,
        "updated_at": now,
    }
    changes = {
        "tenant": tenant_id,
        "new_name": name,
        "new_metadata": dict(record.metadata) or None,
        "connected": connected,
        "now": now,
    }
    async with db.writing() as connection:
        created = await one_row(connection, _CREATE, new)
        if created is not None:
            return tenant_of(created), True
        await connection.execute(_REFRESH, changes)
        stored = await one_row(connection, FIND_TENANT, {"tenant": tenant_id})
    if stored is None:  # deleted between the two statements
        raise UnknownTenant(f"No tenant {tenant_id} is stored.")
    return tenant_of(stored), False


_parts = json_objects("parts", tenant_id=Id(), part=Id())
_NOTE_PARTS = update(tenants).where(tenants.c.id == _parts.c.tenant_id).values(part=_parts.c.part, updated_at=NOW)


@finish_before_cancel
async def note_parts(db: Database, parts: Mapping[str, str], now: datetime) -> None:
    """Store by which part of its platform's connection the events of each tenant come."""
    rows = [{"tenant_id": tenant_id, "part": parts[tenant_id]} for tenant_id in sorted(parts)]
    async with db.writing() as connection:
        await connection.execute(_NOTE_PARTS, {"parts": dump_json(rows), "now": now})


_STOP = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID, tenants.c.stopped_at.is_(None))
    .values(stopped_at=NOW, updated_at=NOW)
)
_CANCEL_JOB = CANCEL.where(sync_jobs.c.tenant_id == TENANT_ID)


@finish_before_cancel
async def stop_tenant(db: Database, tenant_id: str, now: datetime) -> Tenant | None:
    """Run no more syncs of a tenant: its waiting job is cancelled at once, a running one when its worker renews it.

    Stopping it again changes nothing. What is archived stays. A gap begins: changes are not received meanwhile.

    Returns:
        The tenant as it is now; None where there is no such one.
    """
    values = {"tenant": tenant_id, "now": now}
    async with db.writing() as connection:
        # The job first: everybody else, too, locks a job before its tenant.
        await connection.execute(_CANCEL_JOB, values)
        await add_gap(connection, tenant_id, GapReason.STOPPED, began_at=now, ended_at=None, now=now)
        await connection.execute(_STOP, values)
        await settle_excluded(connection, tenant_id, now)
        await settle_status(connection, tenant_id, now)
        row = await one_row(connection, FIND_TENANT, values)
    return None if row is None else tenant_of(row)


_STOPPED_AT = select(tenants.c.stopped_at).where(tenants.c.id == TENANT_ID).with_for_update(key_share=True)
_is_purged = tenants.c.purged_at.is_not(None)
_is_connected = tenants.c.sync_status != SyncStatus.DISCONNECTED
_RESUME = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID, tenants.c.stopped_at.is_not(None))
    .values(
        stopped_at=null(),
        purged_at=null(),
        created_at=case((_is_purged, NOW), else_=tenants.c.created_at),
        last_sync_at=case((_is_purged, null()), else_=tenants.c.last_sync_at),
        last_successful_sync_at=case((_is_purged, null()), else_=tenants.c.last_successful_sync_at),
        sync_status=case((and_(_is_purged, _is_connected), SyncStatus.PENDING.value), else_=tenants.c.sync_status),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def resume_tenant(db: Database, tenant_id: str, now: datetime) -> Tenant | None:
    """Allow syncs of a stopped tenant again. A purged one begins anew, as if it had never been synced.

    Its gap ends, unless the bot is not in it.

    Returns:
        The tenant as it is now; None where there is no such one.
    """
    values = {"tenant": tenant_id, "now": now}
    async with db.writing() as connection:
        stopped_at = (await connection.execute(_STOPPED_AT, values)).scalar_one_or_none()
        await connection.execute(_RESUME, values)
        row = await one_row(connection, FIND_TENANT, values)
        if stopped_at is not None and row is not None:
            ended_at = now if tenant_of(row).is_connected else None
            await add_gap(connection, tenant_id, GapReason.STOPPED, began_at=stopped_at, ended_at=ended_at, now=now)
    return None if row is None else tenant_of(row)
