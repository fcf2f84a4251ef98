"""Which channels are not read, why, and since when.

A channel's own reason is what the platform said of it. A thread without one shares its parent's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, update
from sqlalchemy.types import Text

from adapters.records import SkipReason
from storage.database import Database
from storage.dialects import differs
from storage.tables import channels
from storage.types import UtcDateTime
from storage.uninterrupted import uninterrupted

_NOW = bindparam("now", type_=UtcDateTime)
_REASON = bindparam("reason", type_=Text)


def state_of(reason: ColumnElement[Any]) -> ColumnElement[str]:
    return case((reason.is_(None), literal_column("'archived'", Text)), else_=literal_column("'skipped'", Text))


def since(reason: ColumnElement[Any], now: ColumnElement[Any]) -> ColumnElement[Any]:
    """The stored time while the reason stays the same, now when it changes, null without one."""
    return case(
        (reason.is_(None), None),
        (channels.c.skip_reason == reason, channels.c.skipped_since),
        else_=now,
    )


_MARK_SKIPPED = (
    update(channels)
    .where(channels.c.tenant_id == bindparam("tenant"), channels.c.platform_id == bindparam("channel"))
    .where(differs([(channels.c.own_skip_reason, _REASON), (channels.c.skip_reason, _REASON)]))
    .values(
        sync_state="skipped",
        skip_reason=_REASON,
        own_skip_reason=_REASON,
        skipped_since=since(_REASON, _NOW),
        updated_at=_NOW,
    )
)


@uninterrupted
async def mark_skipped(
    db: Database, tenant_id: str, platform_ids: Sequence[str], reason: SkipReason, now: datetime
) -> None:
    """Stop reading channels, until a listing shows them as archived again. Their messages stay."""
    rows = [{"tenant": tenant_id, "channel": i, "reason": reason.value, "now": now} for i in platform_ids]
    if not rows:
        return
    async with db.writing() as connection:
        await connection.execute(_MARK_SKIPPED, rows)


_parent = channels.alias("parent")
_inherited = func.coalesce(channels.c.own_skip_reason, _parent.c.skip_reason)

_FOLLOW_PARENT = (
    update(channels)
    .where(channels.c.tenant_id == bindparam("tenant"), channels.c.type == "thread")
    .where(_parent.c.id == channels.c.parent_id)
    .where(channels.c.skip_reason.is_distinct_from(_inherited))
    .values(
        sync_state=state_of(_inherited),
        skip_reason=_inherited,
        skipped_since=since(_inherited, _NOW),
        updated_at=_NOW,
    )
)


@uninterrupted
async def follow_parents(db: Database, tenant_id: str, now: datetime) -> None:
    """Let threads that no listing shows share what became of their parent.

    One that has a reason of its own (deleted, private) keeps it; the others are read exactly while their parent is.
    """
    async with db.writing() as connection:
        await connection.execute(_FOLLOW_PARENT, {"tenant": tenant_id, "now": now})
