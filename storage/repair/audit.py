"""When an audit of a tenant is under way, and the end of a channel's: what was found goes from its range into the
table that people read.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from storage.channels import is_beyond, lock_channels
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.sql import CHANNEL_ID, NOW, RANGE_ID, TENANT_ID, Insert, UtcDateTime, insert, one_row
from storage.tables import channel_audits, channels, messages, refetch_ranges, sync_progress, tenants


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

_FOUND = ("seen", "missing", "changed", "deleted")

_checkpoint = (
    select(sync_progress.c.last_message_platform_id).where(sync_progress.c.channel_id == CHANNEL_ID).scalar_subquery()
)
_ALL_STORED = (
    select(func.count())
    .select_from(messages)
    .where(messages.c.channel_id == CHANNEL_ID, messages.c.deleted_at.is_(None))
)
# What was stored early, beyond the checkpoint, would make up for what is missing.
_STORED = _ALL_STORED.where(~is_beyond(messages.c.platform_id, _checkpoint))
_STORED_BEFORE = _ALL_STORED.where(messages.c.sent_at < bindparam("sent_before", type_=UtcDateTime))
_CHANNEL_ID = select(refetch_ranges.c.channel_id).where(refetch_ranges.c.id == RANGE_ID)
_TAKE = (
    delete(refetch_ranges)
    .where(refetch_ranges.c.id == RANGE_ID, refetch_ranges.c.kind == "audit")
    .returning(refetch_ranges.c.channel_id, *(refetch_ranges.c[name] for name in _FOUND))
)
_CHANNEL = (
    select(channels.c.tenant_id, channels.c.message_count)
    .join_from(refetch_ranges, channels, channels.c.id == refetch_ranges.c.channel_id)
    .where(refetch_ranges.c.id == RANGE_ID)
)


def _save() -> Insert:
    counts = {name: bindparam(name, type_=Integer) for name in ("stored", *_FOUND, "platform_count")}
    given: dict[str, ColumnElement[Any]] = {"audited_at": NOW, **counts, "updated_at": NOW}
    statement = insert(channel_audits).values(channel_id=CHANNEL_ID, **given, created_at=NOW)
    return statement.on_conflict_do_update(
        index_elements=["channel_id"], set_={name: statement.excluded[name] for name in given}
    )


_SAVE = _save()
_COMPLETE = update(tenants).where(tenants.c.id == TENANT_ID, ~HAS_AUDIT_RANGES).values(audited_at=NOW, updated_at=NOW)


@finish_before_cancel
async def count_stored(db: Database, channel_id: int, *, sent_before: datetime | None = None) -> int:
    """Count a channel's stored messages that are not deleted: up to its checkpoint, or all those sent before a time."""
    values = {"channel": channel_id, "sent_before": sent_before}
    async with db.reading() as connection:  # counting a large channel takes seconds, so it must not hold a write lock
        statement = _STORED if sent_before is None else _STORED_BEFORE
        return int((await connection.execute(statement, values)).scalar_one())


@finish_before_cancel
async def finish_audit(
    db: Database, range_id: int, *, platform_count: int | None, missing: int = 0, job: JobLease, now: datetime
) -> None:
    """Record the result of a channel's audit; with the tenant's last channel record that the tenant was audited.

    Args:
        db: the archive.
        range_id: the audit's range. Where it no longer exists, nothing is written.
        platform_count: how many messages the channel holds by the platform's own count; where it has none, the one
            that was listed is taken.
        missing: how many missing messages were found beyond the checkpoint, in addition to those in the range.
        job: the lease of the job that audited it.
        now: when it was audited.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
    """
    async with db.reading() as connection:
        channel_id = (await connection.execute(_CHANNEL_ID, {"range": range_id})).scalar_one_or_none()
    stored = 0 if channel_id is None else await count_stored(db, channel_id)
    async with db.writing() as connection:
        await require_lease(connection, job)
        channel = await one_row(connection, _CHANNEL, {"range": range_id})
        if channel is None:
            return
        # One after the other: of two that end at once neither would see that the other one's range is gone.
        await lock_channels(connection, channel["tenant_id"])
        found = await one_row(connection, _TAKE, {"range": range_id})
        if found is None:
            return
        counts = {name: found[name] + (missing if name in ("seen", "missing") else 0) for name in _FOUND}
        values = counts | {"channel": found["channel_id"], "stored": stored, "now": now}
        count = channel["message_count"] if platform_count is None else platform_count
        await connection.execute(_SAVE, values | {"platform_count": count})
        await connection.execute(_COMPLETE, {"tenant": channel["tenant_id"], "now": now})


_COMPLETE_HANGING = (
    update(tenants).where(tenants.c.id == TENANT_ID, IS_LEFT_HANGING).values(audited_at=NOW, updated_at=NOW)
)


@finish_before_cancel
async def settle_audit(db: Database, tenant_id: str, *, now: datetime) -> None:
    """Record that a tenant was audited where the remaining channels of its audit have been skipped meanwhile."""
    async with db.writing() as connection:
        await complete_hanging_audit(connection, tenant_id, now)


async def complete_hanging_audit(connection: AsyncConnection, tenant_id: str, now: datetime) -> None:
    """Do the same as ``settle_audit`` within the caller's transaction."""
    await connection.execute(_COMPLETE_HANGING, {"tenant": tenant_id, "now": now})
