"""When an audit of a tenant is under way, and when it is done."""

from sqlalchemy import select

from storage.tables import channels, repairs, tenants

HAS_AUDIT_RANGES = (
    select(repairs.c.id)
    .join(channels, channels.c.id == repairs.c.channel_id)
    .where(channels.c.tenant_id == tenants.c.id, channels.c.skip_reason.is_(None), repairs.c.kind == "audit")
    .correlate(tenants)
    .exists()
)
"""Whether an audit of a tenant has ranges left. Those of channels that are skipped by now do not hold it up."""
