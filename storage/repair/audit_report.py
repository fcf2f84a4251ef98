"""How much of the platform's history the archive holds, as the audits found, and which audits are due."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, true

from storage.connection import Readable, finish_before_cancel
from storage.database import Database
from storage.repair.audit import HAS_AUDIT_RANGES
from storage.repair.model import RefetchKind
from storage.sql import AFTER_ID, PLATFORM, TENANT_ID, UtcDateTime, all_rows, fields_of, one_row
from storage.tables import channel_audits as findings
from storage.tables import channels, refetch_ranges, sync_progress, tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A tenant's archive is ``stored`` of ``of`` messages, by the last audit of each channel."""

    requested_at: datetime | None  # since when an audit waits to be begun
    audited_at: datetime | None  # when one was last completed
    stored: int
    of: int  # by the platform's own count, or where it has none by those that were seen
    missing: int  # that the audits found not stored, and stored
    changed: int  # that they found otherwise, and brought up to date
    deleted: int  # that they found gone, and marked so
    channels_audited: int
    channels: int  # with messages, and archived or once audited
    channels_hidden: int  # of which the platform hides what is older: it cannot be seen, and what is stored of it stays
    ranges_left: int  # of the audit under way


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


_IS_HIDDEN = channels.c.visible_since.is_not(None)
_COUNTED = func.coalesce(findings.c.platform_count, findings.c.seen)
_audited = (
    select(
        _total(findings.c.stored).label("stored"),
        _total(case((_IS_HIDDEN, findings.c.stored), else_=_COUNTED)).label("of"),
        *(_total(findings.c[name]).label(name) for name in ("missing", "changed", "deleted")),
        func.count(findings.c.channel_id).label("channels_audited"),
        func.count().label("channels"),
        func.count().filter(_IS_HIDDEN, channels.c.skip_reason.is_(None)).label("channels_hidden"),
    )
    .select_from(
        channels.outerjoin(findings, findings.c.channel_id == channels.c.id).outerjoin(
            sync_progress, sync_progress.c.channel_id == channels.c.id
        )
    )
    .where(channels.c.tenant_id == TENANT_ID)
    .where(
        or_(
            findings.c.channel_id.is_not(None),
            and_(channels.c.skip_reason.is_(None), sync_progress.c.last_message_platform_id.is_not(None)),
        )
    )
    .subquery("audited")
)


# The remaining ranges of an audit in a tenant's archived channels.
_ranges_left = (
    select(func.count())
    .select_from(refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .where(refetch_ranges.c.kind == RefetchKind.AUDIT.value)
    .scalar_subquery()
)
_COVERAGE = (
    select(
        tenants.c.audit_requested_at.label("requested_at"),
        tenants.c.audited_at,
        *_audited.c,
        _ranges_left.label("ranges_left"),
    )
    .select_from(tenants.join(_audited, true()))
    .where(tenants.c.id == TENANT_ID)
)


@finish_before_cancel
async def coverage(db: Readable, tenant_id: str) -> Coverage | None:
    """Add up what the audits of a tenant found; None where there is no such tenant."""
    async with db.reading() as connection:
        row = await one_row(connection, _COVERAGE, {"tenant": tenant_id})
    return None if row is None else Coverage(**{name: _plain(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    """Make integers of PostgreSQL's sums, which are decimals where they were large integers."""
    return value if value is None or isinstance(value, datetime) else int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAudit:
    """What the last audit of a channel found."""

    channel_id: int  # channels.id
    platform_id: str
    name: str | None
    audited_at: datetime
    stored: int  # then, and not marked as deleted
    seen: int  # that the platform had
    missing: int
    changed: int
    deleted: int
    platform_count: int | None  # how many there are by the platform's own count


_own = {field.name for field in fields(ChannelAudit)} - {"platform_id", "name"}
_CHANNEL_AUDITS = (
    select(channels.c.platform_id, channels.c.name, *(findings.c[name] for name in sorted(_own)))
    .join_from(channels, findings, findings.c.channel_id == channels.c.id)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.id > AFTER_ID)
    .order_by(channels.c.id)
)
_DIFFERING = _CHANNEL_AUDITS.where(findings.c.missing + findings.c.changed + findings.c.deleted > 0)


@finish_before_cancel
async def channel_audits(
    db: Database, tenant_id: str, *, only_differing: bool = False, after: int | None = None, limit: int = 100
) -> list[ChannelAudit]:
    """List a page of a tenant's audited channels, in the order in which they were first seen, behind ``after``.

    ``only_differing`` leaves out those of which the audit found nothing missing, changed or deleted.
    """
    query = (_DIFFERING if only_differing else _CHANNEL_AUDITS).limit(limit)
    values = {"tenant": tenant_id, "after": after or 0}
    async with db.reading() as connection:
        rows = await all_rows(connection, query, values)
    return [ChannelAudit(**fields_of(row, ChannelAudit)) for row in rows]


_last_audit = func.coalesce(tenants.c.audited_at, tenants.c.created_at)
_DUE = (
    select(tenants.c.id)
    .where(tenants.c.platform == PLATFORM, tenants.c.stopped_at.is_(None))
    .where(tenants.c.sync_status != "disconnected")
    .where(tenants.c.audit_requested_at.is_(None), ~HAS_AUDIT_RANGES)
    .where(_last_audit < bindparam("before", type_=UtcDateTime))
    .order_by(_last_audit, tenants.c.id)
)


@finish_before_cancel
async def audits_due(db: Database, platform: str, *, before: datetime) -> list[str]:
    """List the connected tenants of a platform whose last audit is older, with none under way; the oldest first.

    One that was never audited counts from its creation.
    """
    async with db.reading() as connection:
        return list((await connection.execute(_DUE, {"of_platform": platform, "before": before})).scalars())
