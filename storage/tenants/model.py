"""A tenant: one community of one platform, and how its archive stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, select

from adapters.records import JsonValue
from storage.sql import TENANT_ID, fields_of
from storage.tables import tenants


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
    part: str | None  # of the platform's connection, by which its events come, such as a shard; None: not known yet
    sync_status: SyncStatus
    last_sync_at: datetime | None
    last_successful_sync_at: datetime | None
    not_before: datetime | None  # the platform lets us send no request before
    stopped_at: datetime | None  # since when its administrator has had its syncs stopped
    purged_at: datetime | None  # since when its archive is deleted, on request; it is stopped too
    metadata: Mapping[str, JsonValue]
    created_at: datetime
    updated_at: datetime

    @property
    def is_connected(self) -> bool:
        """Whether the bot is in it."""
        return self.sync_status is not SyncStatus.DISCONNECTED


def tenant_id_of(platform: str, platform_id: str) -> str:
    """Return the id under which a community of a platform is stored."""
    return f"{platform}-{platform_id}"


FIND_TENANT = select(tenants).where(tenants.c.id == TENANT_ID)


def tenant_of(row: RowMapping) -> Tenant:
    """Make a tenant of a row of ``tenants``."""
    values = fields_of(row, Tenant)
    return Tenant(**values | {"sync_status": SyncStatus(values["sync_status"])})
