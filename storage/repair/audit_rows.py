"""When an audit of a tenant is under way, and when it is done."""

from sqlalchemy import ColumnElement, and_, or_, select

from storage.tables import channels, refetch_ranges, tenants


def _has_audit_ranges(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(refetch_ranges.c.id)
        .join(channels, channels.c.id == refetch_ranges.c.channel_id)
        .where(channels.c.tenant_id == tenants.c.id, refetch_ranges.c.kind == "audit", *conditions)
        .correlate(tenants)
        .exists()
    )


HAS_AUDIT_RANGES = _has_audit_ranges(channels.c.skip_reason.is_(None))
"""Whether an audit of a tenant has ranges left. Those of channels that are skipped by now do not hold it up."""

IS_LEFT_HANGING = and_(
    ~HAS_AUDIT_RANGES,
    _has_audit_ranges(
        channels.c.skip_reason.is_not(None),
        or_(tenants.c.audited_at.is_(None), refetch_ranges.c.created_at > tenants.c.audited_at),
    ),
)
"""Whether the last channels of a tenant's audit were skipped before they were read: then nobody finishes it."""
