"""What is archived of each channel of a tenant, and why something is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, case, func, select

from adapters.records import ChannelType, JsonValue, SkipReason
from storage.channels.checkpoint import ProgressState
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reactions import IS_TO_BE_FETCHED
from storage.sql import Id, RowId, all_rows, fields_of
from storage.tables import channels, reaction_totals, sync_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCoverage:
    """A channel or thread, and how much of it is kept."""

    id: int
    platform_id: str
    parent_platform_id: str | None
    name: str | None
    type: ChannelType
    sync_state: str  # archived or skipped
    skip_reason: SkipReason | None
    skipped_since: datetime | None
    messages_archived: int
    checkpoint_id: str | None  # everything up to this message is stored
    checkpoint_at: datetime | None
    state: ProgressState | None  # None: nothing was ever asked of it
    last_error: Mapping[str, JsonValue] | None
    reactions_pending: int  # user lists still to be fetched; none where it is skipped
    updated_at: datetime | None  # of its progress


_parent = channels.alias("parent")
_pending = (
    select(func.count())
    .select_from(reaction_totals)
    .where(reaction_totals.c.channel_id == channels.c.id, IS_TO_BE_FETCHED)
    .correlate(channels)
    .scalar_subquery()
)
_COVERAGE = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.name,
        channels.c.type,
        channels.c.sync_state,
        channels.c.skip_reason,
        channels.c.skipped_since,
        func.coalesce(sync_progress.c.messages_archived, 0).label("messages_archived"),
        sync_progress.c.last_message_platform_id.label("checkpoint_id"),
        sync_progress.c.last_message_at.label("checkpoint_at"),
        sync_progress.c.state,
        sync_progress.c.last_error,
        case((channels.c.skip_reason.is_(None), _pending), else_=0).label("reactions_pending"),
        sync_progress.c.updated_at,
    )
    .select_from(
        channels.outerjoin(_parent, _parent.c.id == channels.c.parent_id).outerjoin(
            sync_progress, sync_progress.c.channel_id == channels.c.id
        )
    )
    .where(channels.c.tenant_id == bindparam("tenant", type_=Id), channels.c.id > bindparam("after", type_=RowId))
    .order_by(channels.c.id)
)


@finish_before_cancel
async def channel_coverage(
    db: Database, tenant_id: str, *, after: int | None = None, limit: int = 100
) -> list[ChannelCoverage]:
    """A page of a tenant's channels, in the order in which they were first seen; those behind ``after`` only."""
    values = {"tenant": tenant_id, "after": after or 0}
    async with db.reading() as connection:
        return [_coverage(row) for row in await all_rows(connection, _COVERAGE.limit(limit), values)]


def _coverage(row: RowMapping) -> ChannelCoverage:
    values = fields_of(row, ChannelCoverage)
    return ChannelCoverage(
        **values
        | {
            "type": ChannelType(values["type"]),
            "skip_reason": SkipReason(values["skip_reason"]) if values["skip_reason"] else None,
            "state": ProgressState(values["state"]) if values["state"] else None,
            "reactions_pending": int(values["reactions_pending"]),
        }
    )
