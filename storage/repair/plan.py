"""What has to be read again: after gaps, after a channel was out of sight, of unwritten events, and for an audit."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, literal_column, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from storage.channels import lock_channels
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.repair.audit import HAS_AUDIT_RANGES, IS_LEFT_HANGING, complete_hanging_audit
from storage.repair.plan_gaps import IS_BACK, IS_UNPLANNED, plan_gaps
from storage.sql import NOW, TENANT_ID, insert, one_row
from storage.tables import channels, refetch_ranges, sync_progress, tenants
from storage.unwritten import IS_OPEN_IN_TENANT, plan_entries

_REQUEST = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID, tenants.c.stopped_at.is_(None), tenants.c.audit_requested_at.is_(None))
    .values(audit_requested_at=NOW, updated_at=NOW)
)


@finish_before_cancel
async def request_audit(db: Database, tenant_id: str, now: datetime) -> None:
    """Have all of a tenant compared with the platform, from its next sync on; not where it is stopped or unknown.

    Requesting it again changes nothing. While an audit is under way the new one waits for its end: what was read again
    already may have changed since.
    """
    async with db.writing() as connection:
        await connection.execute(_REQUEST, {"tenant": tenant_id, "now": now})


_can_begin = (tenants.c.id == TENANT_ID) & tenants.c.audit_requested_at.is_not(None) & ~HAS_AUDIT_RANGES
_is_left_hanging = (tenants.c.id == TENANT_ID) & IS_LEFT_HANGING
_WAITS = (IS_UNPLANNED, IS_BACK, _can_begin, _is_left_hanging)
_IS_WAITING = select(or_(IS_OPEN_IN_TENANT, *(exists().where(waits) for waits in _WAITS)))


@finish_before_cancel
async def plan_refetches(
    db: Database,
    tenant_id: str,
    *,
    lookback: timedelta,
    cursor_at: Callable[[datetime], str],
    page_size: int,
    job: JobLease,
    now: datetime,
) -> int:
    """Turn a tenant's gaps, channels that came back into sight and a requested audit into ranges to read again.

    Messages of unwritten events that were not settled by the range that came with them are marked once more.

    Args:
        db: the archive.
        tenant_id: whose.
        lookback: how far back from its beginning a gap is read again.
        cursor_at: behind which id the messages sent at a time or later are.
        page_size: how many messages a request brings: a step of its own must be worth one.
        job: the lease of the job that does it.
        now: the time of the rows' change.

    Returns:
        How many ranges are new or changed. Where there is nothing to plan, that took one small read.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.reading() as connection:
        if not (await connection.execute(_IS_WAITING, {"tenant": tenant_id})).scalar_one():
            return 0
    async with db.writing() as connection:
        await require_lease(connection, job)
        await lock_channels(connection, tenant_id)
        planned = await plan_gaps(
            connection, tenant_id, lookback=lookback, cursor_at=cursor_at, page_size=page_size, now=now
        )
        planned += await plan_entries(connection, tenant_id, now)
        return planned + await _plan_audit(connection, tenant_id, now)


_TAKE_REQUEST = (
    update(tenants).where(_can_begin).values(audit_requested_at=null(), updated_at=NOW).returning(tenants.c.id)
)
# What an earlier audit left of channels that were skipped meanwhile: continued in mid-channel it would be no audit.
_DROP_LEFT = delete(refetch_ranges).where(
    refetch_ranges.c.kind == "audit",
    refetch_ranges.c.channel_id.in_(select(channels.c.id).where(channels.c.tenant_id == TENANT_ID)),
)
_archived = (
    select(
        channels.c.id,
        literal_column("'audit'", Text).label("kind"),
        sync_progress.c.last_message_platform_id,
        NOW.label("created_at"),
        NOW.label("updated_at"),
    )
    .join(sync_progress, sync_progress.c.channel_id == channels.c.id)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .where(sync_progress.c.last_message_platform_id.is_not(None))
)
_ADD_AUDIT = (
    insert(refetch_ranges)
    .from_select(["channel_id", "kind", "until_platform_id", "created_at", "updated_at"], _archived)
    .execution_options(preserve_rowcount=True)
)
_NOTHING_TO_AUDIT = (
    update(tenants).where(tenants.c.id == TENANT_ID, ~HAS_AUDIT_RANGES).values(audited_at=NOW, updated_at=NOW)
)


async def _plan_audit(connection: AsyncConnection, tenant_id: str, now: datetime) -> int:
    values = {"tenant": tenant_id, "now": now}
    if await one_row(connection, _TAKE_REQUEST, values) is None:
        await complete_hanging_audit(connection, tenant_id, now)
        return 0
    await connection.execute(_DROP_LEFT, values)
    added = (await connection.execute(_ADD_AUDIT, values)).rowcount
    await connection.execute(_NOTHING_TO_AUDIT, values)
    return added
