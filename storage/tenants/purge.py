"""Deleting a tenant's archive on request, a part at a time, so that other writers get their turn in between.

What is left of the tenant is its bare row, so that nothing recreates it by itself.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Delete, Table, bindparam, delete, func, null, or_, select, true, tuple_, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import UnknownTenant
from storage.jobs import SETTLE
from storage.sql import Id, UtcDateTime
from storage.tables import (
    channel_audits,
    channels,
    messages,
    refetch_ranges,
    sync_gaps,
    sync_jobs,
    sync_progress,
    tenants,
    unfinished,
)

_CHUNK = 2000
"""How many rows a transaction deletes, with all that hangs on them: tenths of a second."""

_NOW = bindparam("now", type_=UtcDateTime)
_TENANT = bindparam("of_tenant", type_=Id)

_MARK = (
    update(tenants)
    .where(tenants.c.id == _TENANT)
    .values(
        name=null(),
        metadata={},
        audit_requested_at=null(),
        audited_at=null(),
        stopped_at=func.coalesce(tenants.c.stopped_at, _NOW),
        purged_at=func.coalesce(tenants.c.purged_at, _NOW),
        updated_at=_NOW,
    )
    .returning(tenants.c.id)
)
_END_JOB = (
    update(sync_jobs)
    .where(sync_jobs.c.tenant_id == _TENANT, unfinished(sync_jobs))
    .values(status="cancelled", cancel_requested=true(), finished_at=_NOW, lease_until=null(), updated_at=_NOW)
)
_own_channels = select(channels.c.id).where(channels.c.tenant_id == _TENANT)
_FORGET_PROGRESS = delete(sync_progress).where(sync_progress.c.channel_id.in_(_own_channels))
_FORGET_REPAIRS = delete(refetch_ranges).where(refetch_ranges.c.channel_id.in_(_own_channels))
_FORGET_AUDITS = delete(channel_audits).where(channel_audits.c.channel_id.in_(_own_channels))
_FORGET_GAPS = delete(sync_gaps).where(sync_gaps.c.tenant_id == _TENANT)
_FORGET_THREADS = (
    update(channels)
    .where(channels.c.tenant_id == _TENANT)
    .where(or_(channels.c.thread_cursor.is_not(None), channels.c.unmonitored_since.is_not(None)))
    .values(thread_cursor=null(), unmonitored_since=null(), updated_at=_NOW)
)


async def purge_tenant(db: Database, tenant_id: str, now: datetime) -> int:
    """Stop a tenant and delete all that is kept of it. Breaking it off loses nothing: calling it again goes on.

    A worker that runs a sync of it loses its lease. Resuming the tenant meanwhile ends the purge where it is, and the
    next sync reads everything again.

    Returns:
        How many messages this call deleted.

    Raises:
        UnknownTenant: there is no such tenant.
    """
    await _begin(db, tenant_id, now)
    deleted = 0
    for table in (messages, channels, sync_jobs):
        while count := await _delete_some(db, tenant_id, table):
            deleted += count if table is messages else 0
    return deleted


@finish_before_cancel
async def _begin(db: Database, tenant_id: str, now: datetime) -> None:
    """From here on nothing writes for the tenant, and no checkpoint vouches for messages that will be gone."""
    values = {"of_tenant": tenant_id, "now": now}
    async with db.writing() as connection:
        await connection.execute(_END_JOB, values)  # first: everybody else, too, locks a job before its tenant
        if (await connection.execute(_MARK, values)).one_or_none() is None:
            raise UnknownTenant(f"No tenant {tenant_id} is stored.")
        for forget in (_FORGET_PROGRESS, _FORGET_REPAIRS, _FORGET_AUDITS, _FORGET_GAPS, _FORGET_THREADS):
            await connection.execute(forget, values)
        await connection.execute(SETTLE, {"tenant_id": tenant_id, "now": now})


# A tenant that is resumed meanwhile keeps what is left.
_is_purged = (
    select(tenants.c.id).where(tenants.c.id == _TENANT, tenants.c.purged_at.is_not(None)).correlate(None).exists()
)


def _delete_chunk(table: Table, *order: ColumnElement[Any]) -> Delete:
    """Some of a tenant's rows, with all that hangs on them by foreign keys."""
    key = table.primary_key.columns.values()
    some = select(*key).where(table.c.tenant_id == _TENANT, _is_purged).order_by(*order).limit(_CHUNK)
    return delete(table).where(tuple_(*key).in_(some.correlate(None)))


_DELETE_CHUNK = {
    messages: _delete_chunk(messages, messages.c.sent_at),  # the order of the index that finds a tenant's
    channels: _delete_chunk(channels),
    sync_jobs: _delete_chunk(sync_jobs),
}


@finish_before_cancel
async def _delete_some(db: Database, tenant_id: str, table: Table) -> int:
    async with db.writing() as connection:
        return (await connection.execute(_DELETE_CHUNK[table], {"of_tenant": tenant_id})).rowcount


_UNFINISHED = (
    select(tenants.c.id)
    .where(tenants.c.purged_at.is_not(None))
    .where(
        or_(
            select(channels.c.id).where(channels.c.tenant_id == tenants.c.id).exists(),  # no message is without one
            select(sync_jobs.c.id).where(sync_jobs.c.tenant_id == tenants.c.id).exists(),
        )
    )
    .order_by(tenants.c.id)
)


@finish_before_cancel
async def unfinished_purges(db: Database) -> list[str]:
    """The purged tenants of whose archive something is left, because the purge was broken off."""
    async with db.reading() as connection:
        return list((await connection.execute(_UNFINISHED)).scalars())
