"""A tenant's status follows from its jobs; it is worked out in one place."""

from sqlalchemy import String, bindparam, case, func, literal_column, select, update

from storage.tables import sync_jobs, tenants, unfinished

_own = sync_jobs.c.tenant_id == tenants.c.id

_UNFINISHED_SAYS = (
    select(
        case(
            (sync_jobs.c.status == "running", "syncing"),
            (sync_jobs.c.kind == "initial", "pending"),
            else_=None,
        )
    )
    .where(_own, unfinished(sync_jobs))
    .correlate(tenants)
    .scalar_subquery()
)
_LAST_END_SAYS = (
    select(case((sync_jobs.c.status == "succeeded", "ok"), else_=sync_jobs.c.status))
    .where(_own, ~unfinished(sync_jobs), sync_jobs.c.status != "cancelled")
    .order_by(sync_jobs.c.id.desc())
    .limit(1)
    .correlate(tenants)
    .scalar_subquery()
)

SETTLED_STATUS = func.coalesce(_UNFINISHED_SAYS, _LAST_END_SAYS, literal_column("'pending'", String))
"""What the status of a connected tenant is: ``syncing`` while a job runs, ``pending`` while an initial one waits,
else how the last job ended (a cancelled one does not count), else ``pending``."""

SETTLE = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant_id"))
    .where(tenants.c.sync_status.not_in(["disconnected", SETTLED_STATUS]))
    .values(sync_status=SETTLED_STATUS, updated_at=bindparam("now"))
)
"""Bring a tenant's status in line after its jobs changed. A disconnected one stays so."""
