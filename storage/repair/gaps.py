"""Gaps: since when, until when and why changes of a tenant were not received."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Integer, RowMapping, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import Readable, finish_before_cancel
from storage.database import Database
from storage.sql import NOW, TENANT_ID, RowId, UtcDateTime, all_rows, fields_of, one_row
from storage.tables import IS_OPEN, channels, messages, refetch_ranges, sync_gaps, sync_jobs, tenants


class GapReason(StrEnum):
    """Why changes were not received."""

    PROCESS_DOWN = "process_down"  # no process was connected
    SESSION_LOST = "session_lost"  # the platform began a new session
    TAKEOVER = "takeover"  # another process took the leadership over
    OUTAGE = "outage"  # the platform could not show the community
    LEFT = "left"  # the bot was not in it
    STOPPED = "stopped"  # its administrator had its syncs stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which changes of a tenant were not received."""

    id: int
    tenant_id: str
    reason: GapReason
    began_at: datetime
    ended_at: datetime | None  # None while it lasts
    planned_at: datetime | None  # since when its ranges are in ``refetch_ranges``
    repaired_at: datetime | None


_HOLDS_MESSAGES = select(messages.c.id).where(messages.c.tenant_id == tenants.c.id).correlate(tenants).exists()
# A running job may have fetched data before this gap began and store it afterwards.
_IS_BEING_READ = (
    select(sync_jobs.c.id)
    .where(sync_jobs.c.tenant_id == tenants.c.id, sync_jobs.c.status == "running")
    .correlate(tenants)
    .exists()
)
# Locked, so that it is not stopped or resumed meanwhile, and only one gap is begun.
_FIND_TENANT = (
    select(tenants.c.created_at, tenants.c.stopped_at, or_(_HOLDS_MESSAGES, _IS_BEING_READ).label("may_hold"))
    .where(tenants.c.id == TENANT_ID, tenants.c.purged_at.is_(None))
    .with_for_update(of=tenants, key_share=True)
)
_FIND_OPEN = select(sync_gaps).where(sync_gaps.c.tenant_id == TENANT_ID, IS_OPEN)
_ENDED = bindparam("ended", type_=UtcDateTime)
_FIND_TOUCHING = (
    select(sync_gaps)
    .where(sync_gaps.c.tenant_id == TENANT_ID, sync_gaps.c.planned_at.is_(None), sync_gaps.c.ended_at.is_not(None))
    .where(sync_gaps.c.ended_at >= bindparam("began", type_=UtcDateTime), sync_gaps.c.began_at <= _ENDED)
    .order_by(sync_gaps.c.began_at, sync_gaps.c.id)
    .limit(1)
)
_BEGIN = insert(sync_gaps)
_CHANGE = (
    update(sync_gaps)
    .where(sync_gaps.c.id == bindparam("gap", type_=RowId))
    .values(began_at=bindparam("began", type_=UtcDateTime), ended_at=_ENDED, updated_at=NOW)
)


@finish_before_cancel
async def record_gap(
    db: Database,
    tenant_id: str,
    reason: GapReason,
    *,
    began_at: datetime | None,
    ended_at: datetime | None,
    now: datetime,
) -> None:
    """Record a gap of a tenant, unless nothing of it is stored or being read.

    An open gap of the tenant is closed instead, whatever is stored; it keeps its reason and begins at the earlier time.
    The gap of a stopped tenant stays open until the tenant is resumed. A closed gap that is not planned yet is widened
    where the new one touches it, since the loss of one session may be noticed twice.

    Args:
        db: the archive.
        tenant_id: ours.
        reason: why changes were not received.
        began_at: None: when the tenant was first stored.
        ended_at: None: the gap is still open.
        now: the time of the row's change.
    """
    async with db.writing() as connection:
        await add_gap(connection, tenant_id, reason, began_at=began_at, ended_at=ended_at, now=now)


async def add_gap(
    connection: AsyncConnection,
    tenant_id: str,
    reason: GapReason,
    *,
    began_at: datetime | None,
    ended_at: datetime | None,
    now: datetime,
) -> None:
    """Record a gap, like ``record_gap``, in a transaction of the caller's."""
    tenant = await one_row(connection, _FIND_TENANT, {"tenant": tenant_id})
    if tenant is None:
        return
    began_at = began_at or tenant["created_at"]
    ended_at = None if tenant["stopped_at"] else ended_at
    found = await one_row(connection, _FIND_OPEN, {"tenant": tenant_id})
    if found is not None:
        await _change(connection, _gap_of(found), began_at, ended_at, now)
        return
    if not tenant["may_hold"]:
        return
    ended_at = _not_before(began_at, ended_at)
    if ended_at is not None and await _widen(connection, tenant_id, began_at, ended_at, now):
        return
    times = {"began_at": began_at, "ended_at": ended_at, "created_at": now, "updated_at": now}
    await connection.execute(_BEGIN, {"tenant_id": tenant_id, "reason": reason.value, **times})


async def _widen(
    connection: AsyncConnection, tenant_id: str, began_at: datetime, ended_at: datetime, now: datetime
) -> bool:
    """Widen an unplanned gap to include another one that touches it; return False where there is none."""
    found = await one_row(connection, _FIND_TOUCHING, {"tenant": tenant_id, "began": began_at, "ended": ended_at})
    if found is None:
        return False
    gap = _gap_of(found)
    if (began_at, ended_at) != (gap.began_at, gap.ended_at):
        await _change(connection, gap, began_at, max(ended_at, gap.ended_at or ended_at), now)
    return True


@finish_before_cancel
async def close_gap(db: Database, tenant_id: str, ended_at: datetime, now: datetime) -> None:
    """Close a tenant's open gap: its changes are received again. A stopped one's stays open until it is resumed."""
    async with db.writing() as connection:
        tenant = await one_row(connection, _FIND_TENANT, {"tenant": tenant_id})
        found = await one_row(connection, _FIND_OPEN, {"tenant": tenant_id})
        if found is not None and tenant is not None and tenant["stopped_at"] is None:
            await _change(connection, _gap_of(found), found["began_at"], ended_at, now)


async def _change(
    connection: AsyncConnection, gap: Gap, began_at: datetime, ended_at: datetime | None, now: datetime
) -> None:
    began_at = min(began_at, gap.began_at)
    if began_at != gap.began_at or ended_at is not None:
        times = {"began": began_at, "ended": _not_before(began_at, ended_at)}
        await connection.execute(_CHANGE, {"gap": gap.id, **times, "now": now})


def _not_before(began_at: datetime, ended_at: datetime | None) -> datetime | None:
    """Let no gap end before it began: clocks are set back at times."""
    return None if ended_at is None else max(began_at, ended_at)


_UNREPAIRED = (
    select(sync_gaps)
    .where(sync_gaps.c.tenant_id == TENANT_ID, sync_gaps.c.repaired_at.is_(None))
    .order_by(sync_gaps.c.began_at, sync_gaps.c.id)
)


@finish_before_cancel
async def list_gaps(db: Readable, tenant_id: str) -> list[Gap]:
    """List a tenant's gaps that are not repaired, the oldest first."""
    async with db.reading() as connection:
        return [_gap_of(row) for row in await all_rows(connection, _UNREPAIRED, {"tenant": tenant_id})]


_PAGE = (
    select(sync_gaps)
    .where(sync_gaps.c.tenant_id == TENANT_ID)
    .order_by(sync_gaps.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)
_BEHIND = _PAGE.where(sync_gaps.c.id < bindparam("before", type_=RowId))


@finish_before_cancel
async def gaps_page(db: Readable, tenant_id: str, *, before: int | None = None, limit: int) -> list[Gap]:
    """List a tenant's gaps that are remembered, also repaired ones, those recorded last first.

    With ``before`` those recorded before that one.
    """
    values = {"tenant": tenant_id, "most": limit} | ({} if before is None else {"before": before})
    async with db.reading() as connection:
        return [_gap_of(row) for row in await all_rows(connection, _PAGE if before is None else _BEHIND, values)]


_LAST_END = select(func.max(sync_gaps.c.ended_at)).where(sync_gaps.c.tenant_id == TENANT_ID)


@finish_before_cancel
async def last_gap_end(db: Database, tenant_id: str) -> datetime | None:
    """Return the end of the tenant's last gap; None where it has no gap that has ended."""
    async with db.reading() as connection:
        found: datetime | None = (await connection.execute(_LAST_END, {"tenant": tenant_id})).scalar_one()
    return found


def _gap_of(row: RowMapping) -> Gap:
    """Make a gap of a row of ``sync_gaps``."""
    return Gap(**fields_of(row, Gap) | {"reason": GapReason(row["reason"])})


_IS_TO_BE_READ = (
    select(refetch_ranges.c.id)
    .join(channels, channels.c.id == refetch_ranges.c.channel_id)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .where(refetch_ranges.c.kind != "audit")
    .exists()
)
_SETTLE = (
    update(sync_gaps)
    .where(sync_gaps.c.tenant_id == TENANT_ID, sync_gaps.c.planned_at.is_not(None), sync_gaps.c.repaired_at.is_(None))
    .where(~_IS_TO_BE_READ)
    .values(repaired_at=NOW, updated_at=NOW)
)


@finish_before_cancel
async def settle_gaps(db: Database, tenant_id: str, *, now: datetime) -> int:
    """Mark a tenant's planned gaps as repaired, once nothing is left to be read again in its archived channels.

    Returns:
        How many.
    """
    async with db.writing() as connection:
        return (await connection.execute(_SETTLE, {"tenant": tenant_id, "now": now})).rowcount


_PRUNE = delete(sync_gaps).where(sync_gaps.c.repaired_at < bindparam("repaired_before", type_=UtcDateTime))


@finish_before_cancel
async def prune_gaps(db: Database, *, repaired_before: datetime) -> int:
    """Delete gaps that were repaired before a time; return how many."""
    async with db.writing() as connection:
        return (await connection.execute(_PRUNE, {"repaired_before": repaired_before})).rowcount
