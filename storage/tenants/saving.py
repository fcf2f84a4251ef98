"""Storing what a platform tells of a community. One that was purged stays bare until it is resumed."""

from datetime import datetime

from sqlalchemy import bindparam, case, func, literal, update

from adapters.records import TenantRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import UnknownTenant
from storage.jobs import SETTLED_STATUS
from storage.sql import INSERT, clean_text, differs, one_row
from storage.tables import tenants
from storage.tenants.model import FIND_TENANT, SyncStatus, Tenant, tenant_id_of, tenant_of
from storage.tenants.rate_limit import PLATFORM_WAIT, wait_setting

# Whichever key another process got in first by: naming one would leave the other one's conflict an error.
_CREATE = {
    dialect: insert(tenants).values(not_before=PLATFORM_WAIT).on_conflict_do_nothing().returning(tenants)
    for dialect, insert in INSERT.items()
}

_NEW_NAME = func.coalesce(bindparam("new_name", type_=tenants.c.name.type), tenants.c.name)
_NEW_METADATA = func.coalesce(bindparam("new_metadata", type_=tenants.c.metadata.type), tenants.c.metadata)
_NEW_STATUS = case(
    (~bindparam("connected", type_=literal(True).type), SyncStatus.DISCONNECTED.value),
    (tenants.c.sync_status == SyncStatus.DISCONNECTED, SETTLED_STATUS),
    else_=tenants.c.sync_status,
)
_REFRESH = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"), tenants.c.purged_at.is_(None))
    .where(
        differs(
            [(tenants.c.name, _NEW_NAME), (tenants.c.metadata, _NEW_METADATA), (tenants.c.sync_status, _NEW_STATUS)]
        )
    )
    .values(name=_NEW_NAME, metadata=_NEW_METADATA, sync_status=_NEW_STATUS, updated_at=bindparam("now"))
)


@finish_before_cancel
async def save_tenant(
    db: Database, platform: str, record: TenantRecord, *, connected: bool, now: datetime
) -> tuple[Tenant, bool]:
    """Store a community, or what has changed of it; True where it is new.

    A name of None and empty metadata keep what is stored. ``connected`` switches between ``disconnected`` and the
    status that the tenant's jobs give it. Where nothing changes nothing is written. A stopped tenant stays stopped;
    of a purged one nothing is written at all.
    """
    tenant_id = tenant_id_of(platform, record.platform_id)
    name = None if record.name is None else clean_text(record.name)
    new = {
        "id": tenant_id,
        "platform": platform,
        "platform_id": record.platform_id,
        "name": name,
        "sync_status": SyncStatus.PENDING.value if connected else SyncStatus.DISCONNECTED.value,
        "setting": wait_setting(platform),
        "metadata": dict(record.metadata),
        "created_at": now,
        "updated_at": now,
    }
    changes = {
        "tenant_id": tenant_id,
        "new_name": name,
        "new_metadata": dict(record.metadata) or None,
        "connected": connected,
        "now": now,
    }
    async with db.writing() as connection:
        created = await one_row(connection, _CREATE[db.dialect], new)
        if created is not None:
            return tenant_of(created), True
        await connection.execute(_REFRESH, changes)
        stored = await one_row(connection, FIND_TENANT, {"tenant_id": tenant_id})
    if stored is None:  # deleted between the two statements
        raise UnknownTenant(f"No tenant {tenant_id} is stored.")
    return tenant_of(stored), False
