"""Communities whose history is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, bindparam, case, func, literal, select, update

from adapters.records import JsonValue, TenantRecord
from storage.database import Database
from storage.dialects import INSERT, differs
from storage.errors import UnknownTenant
from storage.json_text import clean_text
from storage.rows import all_rows, fields_of, one_row
from storage.tables import channels, sync_progress, tenants
from storage.tenant_status import SETTLED_STATUS
from storage.uninterrupted import uninterrupted


class SyncStatus(StrEnum):
    """How a tenant's archive stands."""

    PENDING = "pending"  # its first sync has not run yet, or waits to be tried again
    SYNCING = "syncing"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    RATE_LIMITED = "rate_limited"
    DISCONNECTED = "disconnected"  # the bot is not in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One row of ``tenants``."""

    id: str
    platform: str
    platform_id: str
    name: str | None
    sync_status: SyncStatus
    last_sync_at: datetime | None
    last_successful_sync_at: datetime | None
    not_before: datetime | None  # the platform asked us to stay away until then
    metadata: Mapping[str, JsonValue]
    created_at: datetime
    updated_at: datetime

    @property
    def is_connected(self) -> bool:
        """Whether the bot is in it."""
        return self.sync_status is not SyncStatus.DISCONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTotals:
    """What is kept of a tenant. Every channel the platform told of counts, categories too."""

    channels: int
    channels_archived: int
    channels_skipped: int
    messages: int


def tenant_id_of(platform: str, platform_id: str) -> str:
    """The id under which a community of a platform is stored."""
    return f"{platform}-{platform_id}"


# Whichever key another process got in first by: naming one would leave the other one's conflict an error.
_CREATE = {dialect: insert(tenants).on_conflict_do_nothing().returning(tenants) for dialect, insert in INSERT.items()}

_NEW_NAME = func.coalesce(bindparam("new_name", type_=tenants.c.name.type), tenants.c.name)
_NEW_METADATA = func.coalesce(bindparam("new_metadata", type_=tenants.c.metadata.type), tenants.c.metadata)
_NEW_STATUS = case(
    (~bindparam("connected", type_=literal(True).type), SyncStatus.DISCONNECTED.value),
    (tenants.c.sync_status == SyncStatus.DISCONNECTED, SETTLED_STATUS),
    else_=tenants.c.sync_status,
)
_REFRESH = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"))
    .where(
        differs(
            [(tenants.c.name, _NEW_NAME), (tenants.c.metadata, _NEW_METADATA), (tenants.c.sync_status, _NEW_STATUS)]
        )
    )
    .values(name=_NEW_NAME, metadata=_NEW_METADATA, sync_status=_NEW_STATUS, updated_at=bindparam("now"))
)
_FIND = select(tenants).where(tenants.c.id == bindparam("tenant_id"))


@uninterrupted
async def save_tenant(
    db: Database, platform: str, record: TenantRecord, *, connected: bool, now: datetime
) -> tuple[Tenant, bool]:
    """Store a community, or what has changed of it; True where it is new.

    A name of None and empty metadata keep what is stored. ``connected`` switches between ``disconnected`` and the
    status that the tenant's jobs give it. Where nothing changes nothing is written.
    """
    tenant_id = tenant_id_of(platform, record.platform_id)
    name = None if record.name is None else clean_text(record.name)
    new = {
        "id": tenant_id,
        "platform": platform,
        "platform_id": record.platform_id,
        "name": name,
        "sync_status": SyncStatus.PENDING.value if connected else SyncStatus.DISCONNECTED.value,
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
            return _tenant(created), True
        await connection.execute(_REFRESH, changes)
        stored = await one_row(connection, _FIND, {"tenant_id": tenant_id})
    if stored is None:  # deleted between the two statements
        raise UnknownTenant(f"No tenant {tenant_id} is stored.")
    return _tenant(stored), False


@uninterrupted
async def get_tenant(db: Database, tenant_id: str) -> Tenant | None:
    """The tenant, or None where there is no such one."""
    async with db.reading() as connection:
        row = await one_row(connection, _FIND, {"tenant_id": tenant_id})
    return None if row is None else _tenant(row)


@uninterrupted
async def list_tenants(
    db: Database, *, after: str | None = None, limit: int = 100, platform: str | None = None
) -> list[Tenant]:
    """Tenants by id, those behind ``after`` only, of every platform or of one."""
    query = select(tenants).order_by(tenants.c.id).limit(limit)
    if after is not None:
        query = query.where(tenants.c.id > after)
    if platform is not None:
        query = query.where(tenants.c.platform == platform)
    async with db.reading() as connection:
        return [_tenant(row) for row in await all_rows(connection, query)]


@uninterrupted
async def set_not_before(db: Database, tenant_id: str | None, platform: str, until: datetime, now: datetime) -> None:
    """Hold a tenant's jobs, or with None those of every tenant of the platform, until a time.

    A wait that ends earlier than the one already stored does not shorten it.
    """
    query = (
        update(tenants)
        .where(tenants.c.platform == platform)
        .where(tenants.c.not_before.is_(None) | (tenants.c.not_before < until))
        .values(not_before=until, updated_at=now)
    )
    if tenant_id is not None:
        query = query.where(tenants.c.id == tenant_id)
    async with db.writing() as connection:
        await connection.execute(query)


_TOTALS = (
    select(
        func.count(),
        func.count().filter(channels.c.skip_reason.is_(None)),
        func.coalesce(func.sum(sync_progress.c.messages_archived), 0),
    )
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id == bindparam("tenant_id"))
)


@uninterrupted
async def tenant_totals(db: Database, tenant_id: str) -> TenantTotals:
    """What is kept of a tenant, from its channels' progress: no message is counted."""
    async with db.reading() as connection:
        total, archived, messages = (await connection.execute(_TOTALS, {"tenant_id": tenant_id})).one()
    return TenantTotals(
        channels=total, channels_archived=archived, channels_skipped=total - archived, messages=int(messages)
    )


def _tenant(row: RowMapping) -> Tenant:
    values = fields_of(row, Tenant)
    return Tenant(**values | {"sync_status": SyncStatus(values["sync_status"])})
