"""The end of a channel's audit: what was found goes from its range into the table that people read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, delete, func, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import Integer

from adapters.records import ChannelType, Metadata
from storage.channels import lock_channels
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.repair.audit_rows import HAS_AUDIT_RANGES
from storage.sql import INSERT, Id, Inserter, RowId, UtcDateTime, one_row
from storage.tables import channel_audits, channels, messages, refetch_ranges, tenants

_NOW = bindparam("now", type_=UtcDateTime)
_FOUND = ("seen", "missing", "changed", "deleted")

_STORED = (
    select(func.count())
    .select_from(messages)
    .where(
        messages.c.channel_id
        == select(refetch_ranges.c.channel_id)
        .where(refetch_ranges.c.id == bindparam("repair", type_=RowId))
        .scalar_subquery(),
        messages.c.deleted_at.is_(None),
    )
)
_TAKE = (
    delete(refetch_ranges)
    .where(refetch_ranges.c.id == bindparam("repair", type_=RowId), refetch_ranges.c.kind == "audit")
    .returning(refetch_ranges.c.channel_id, *(refetch_ranges.c[name] for name in _FOUND))
)
_CHANNEL = (
    select(channels.c.tenant_id, channels.c.type, channels.c.metadata)
    .join_from(refetch_ranges, channels, channels.c.id == refetch_ranges.c.channel_id)
    .where(refetch_ranges.c.id == bindparam("repair", type_=RowId))
)


def _save(insert: Inserter) -> sqlite.Insert:
    counts = {name: bindparam(name, type_=Integer) for name in ("stored", *_FOUND, "platform_count")}
    given: dict[str, ColumnElement[Any]] = {"audited_at": _NOW, **counts, "updated_at": _NOW}
    statement = insert(channel_audits).values(channel_id=bindparam("channel", type_=RowId), **given, created_at=_NOW)
    return statement.on_conflict_do_update(
        index_elements=["channel_id"], set_={name: statement.excluded[name] for name in given}
    )


_SAVE = {dialect: _save(insert) for dialect, insert in INSERT.items()}
_COMPLETE = (
    update(tenants)
    .where(tenants.c.id == bindparam("tenant", type_=Id), ~HAS_AUDIT_RANGES)
    .values(audited_at=_NOW, updated_at=_NOW)
)


@finish_before_cancel
async def finish_audit(
    db: Database, repair_id: int, *, platform_count: int | None, job: JobLease, now: datetime
) -> None:
    """A channel was read whole: put down what was found, and with the tenant's last channel that it was audited.

    Args:
        db: the archive.
        repair_id: of the audit's range. Where it has vanished, nothing is written.
        platform_count: how many messages the channel holds by the platform's own count; where it tells none, a
            thread's count in its metadata is taken.
        job: the lease of the job that does it.
        now: when it was audited.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.reading() as connection:  # a large channel takes seconds: nobody should wait for it
        stored = (await connection.execute(_STORED, {"repair": repair_id})).scalar_one()
    async with db.writing() as connection:
        await require_lease(connection, job)
        channel = await one_row(connection, _CHANNEL, {"repair": repair_id})
        if channel is None:
            return
        # One after the other: of two that end at once neither would see that the other one's range is gone.
        await lock_channels(connection, channel["tenant_id"])
        found = await one_row(connection, _TAKE, {"repair": repair_id})
        if found is None:
            return
        values = {name: found[name] for name in _FOUND} | {"channel": found["channel_id"], "stored": stored, "now": now}
        count = _own_count(channel) if platform_count is None else platform_count
        await connection.execute(_SAVE[db.dialect], values | {"platform_count": count})
        await connection.execute(_COMPLETE, {"tenant": channel["tenant_id"], "now": now})


def _own_count(channel: RowMapping) -> int | None:
    metadata: Metadata = channel["metadata"]
    count = metadata.get("message_count")
    is_told = channel["type"] == ChannelType.THREAD and isinstance(count, int) and not isinstance(count, bool)
    return count if is_told else None  # type: ignore[return-value] # an int, as just found
