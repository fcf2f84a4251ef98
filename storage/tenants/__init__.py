"""Communities whose history is kept."""

from storage.tenants.lifecycle import (
    note_parts,
    resume_tenant,
    save_tenant,
    stop_tenant,
)
from storage.tenants.model import (
    SyncStatus,
    Tenant,
    tenant_id_of,
)
from storage.tenants.purge import (
    purge_tenant,
    unfinished_purges,
)
from storage.tenants.queries import (
    TenantFreshness,
    TenantTotals,
    count_tenants,
    freshness,
    get_tenant,
    list_connected,
    list_tenants,
    tenant_pages,
    tenant_totals,
    totals_of,
)
from storage.tenants.rate_limit import (
    defer_until,
    lift_impossible_waits,
    platform_wait,
)

__all__ = [
    "SyncStatus",
    "Tenant",
    "TenantFreshness",
    "TenantTotals",
    "count_tenants",
    "defer_until",
    "freshness",
    "get_tenant",
    "lift_impossible_waits",
    "list_connected",
    "list_tenants",
    "note_parts",
    "platform_wait",
    "purge_tenant",
    "resume_tenant",
    "save_tenant",
    "stop_tenant",
    "tenant_id_of",
    "tenant_pages",
    "tenant_totals",
    "totals_of",
    "unfinished_purges",
]
