"""Deleting a tenant's archive on request, a part at a time, so that other writers get their turn in between.

What is left of the tenant is its bare row, so that nothing recreates it by itself, and how far its changes were told
(``change_feeds``), so that who follows them and finds it resumed knows to start anew.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Delete, Table, delete, func, null, or_, select, true, tuple_, update

from storage.connection import finish_before_cancel, take_numbering_turn
from storage.database import Database
from storage.errors import UnknownTenant
from storage.jobs import settle_status
from storage.privacy import merge_search_index
from storage.sql import NOW, TENANT_ID
from storage.tables import (
    change_queue,
    channel_audits,
    channels,
    content_retention,
    message_changes,
    messages,
    refetch_ranges,
    sync_gaps,
    sync_jobs,
    sync_progress,
    tenants,
    unfinished,
    unwritten_events,
)

_CHUNK = 2000
"""How many rows a transaction deletes, with all that hangs on them: tenths of a second."""

_MARK = (
    update(tenants)
    .where(tenants.c.id == TENANT_ID)
    .values(
        name=null(),
        metadata={},
        audit_requested_at=null(),
        audited_at=null(),
        stopped_at=func.coalesce(tenants.c.stopped_at, NOW),
        purged_at=func.coalesce(tenants.c.purged_at, NOW),
        updated_at=NOW,
    )
    .returning(tenants.c.id)
)
_END_JOB = (
    update(sync_jobs)
    .where(sync_jobs.c.tenant_id == TENANT_ID, unfinished(sync_jobs))
    .values(status="cancelled", cancel_requested=true(), finished_at=NOW, lease_until=null(), updated_at=NOW)
)
_own_channels = select(channels.c.id).where(channels.c.tenant_id == TENANT_ID)
_DELETE_PROGRESS = delete(sync_progress).where(sync_progress.c.channel_id.in_(_own_channels))
_DELETE_RANGES = delete(refetch_ranges).where(refetch_ranges.c.channel_id.in_(_own_channels))
_DELETE_AUDITS = delete(channel_audits).where(channel_audits.c.channel_id.in_(_own_channels))
_DELETE_GAPS = delete(sync_gaps).where(sync_gaps.c.tenant_id == TENANT_ID)
_DELETE_UNWRITTEN = delete(unwritten_events).where(unwritten_events.c.tenant_id == TENANT_ID)
_DELETE_ALL = (_DELETE_PROGRESS, _DELETE_RANGES, _DELETE_AUDITS, _DELETE_GAPS, _DELETE_UNWRITTEN)
_OF_READING = (channels.c.thread_cursor, channels.c.threads_listed_at, channels.c.unmonitored_since)
_CLEAR_CURSORS = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID)
    .where(or_(*(column.is_not(None) for column in _OF_READING)))
    .values({column.name: null() for column in _OF_READING} | {"updated_at": NOW})
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
    deleted = await _delete_all_of(db, tenant_id, messages)
    await _forget_retention(db, tenant_id)
    await merge_search_index(db)  # while channels say that the purge is not finished, whoever deleted the messages
    await _delete_all_of(db, tenant_id, message_changes)
    while await _delete_channels(db, tenant_id):
        pass
    await _delete_all_of(db, tenant_id, sync_jobs)
    return deleted


@finish_before_cancel
async def _begin(db: Database, tenant_id: str, now: datetime) -> None:
    """Let nothing write for the tenant from here on, and no checkpoint vouch for messages that will be gone."""
    values = {"tenant": tenant_id, "now": now}
    async with db.writing() as connection:
        await connection.execute(_END_JOB, values)  # first: everybody else, too, locks a job before its tenant
        if (await connection.execute(_MARK, values)).one_or_none() is None:
            raise UnknownTenant(f"No tenant {tenant_id} is stored.")
        for statement in (*_DELETE_ALL, _CLEAR_CURSORS):
            await connection.execute(statement, values)
        await settle_status(connection, tenant_id, now)


# A tenant that is resumed meanwhile keeps what is left.
_is_purged = (
    select(tenants.c.id).where(tenants.c.id == TENANT_ID, tenants.c.purged_at.is_not(None)).correlate(None).exists()
)


def _delete_chunk(table: Table, *order: ColumnElement[Any]) -> Delete:
    """Delete a bounded number of a tenant's rows, with all that hangs on them by foreign keys."""
    key = table.primary_key.columns.values()
    chunk = select(*key).where(table.c.tenant_id == TENANT_ID, _is_purged).order_by(*order).limit(_CHUNK)
    return delete(table).where(tuple_(*key).in_(chunk.correlate(None)))


_DELETE_CHUNK = {
    messages: _delete_chunk(messages, messages.c.sent_at),  # the order of the index that finds a tenant's
    message_changes: _delete_chunk(message_changes, message_changes.c.position),
    channels: _delete_chunk(channels),
    sync_jobs: _delete_chunk(sync_jobs),
}


async def _delete_all_of(db: Database, tenant_id: str, table: Table) -> int:
    deleted = 0
    while count := await _delete_chunk_of(db, tenant_id, table):
        deleted += count
    return deleted


_FORGET_RETENTION = delete(content_retention).where(content_retention.c.tenant_id == TENANT_ID, _is_purged)


@finish_before_cancel
async def _forget_retention(db: Database, tenant_id: str) -> None:
    """Forget up to when no content is stored, now that there is no message left that lacks it."""
    async with db.writing() as connection:
        await connection.execute(_FORGET_RETENTION, {"tenant": tenant_id})


@finish_before_cancel
async def _delete_chunk_of(db: Database, tenant_id: str, table: Table) -> int:
    async with db.writing() as connection:
        return (await connection.execute(_DELETE_CHUNK[table], {"tenant": tenant_id})).rowcount


_DELETE_LATE_CHANGES = delete(message_changes).where(message_changes.c.tenant_id == TENANT_ID, _is_purged)
_DELETE_QUEUED = delete(change_queue).where(change_queue.c.channel_id.in_(_own_channels), _is_purged)


@finish_before_cancel
async def _delete_channels(db: Database, tenant_id: str) -> int:
    """Delete channels with what is known of changes in them, which get no positions any more once they are gone."""
    async with db.writing() as connection:
        await take_numbering_turn(connection)
        for statement in (_DELETE_LATE_CHANGES, _DELETE_QUEUED):
            await connection.execute(statement, {"tenant": tenant_id})
        return (await connection.execute(_DELETE_CHUNK[channels], {"tenant": tenant_id})).rowcount


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
    """List the purged tenants of whose archive something is left, because the purge was broken off."""
    async with db.reading() as connection:
        return list((await connection.execute(_UNFINISHED)).scalars())
