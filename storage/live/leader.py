"""Who writes the live events of a platform: one process, by a lease that it renews. The others stand by.

On SQLite there is only one process, which leads at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Float, and_, bindparam, literal, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import NOW, PLATFORM, DatabaseTime, Id, UtcDateTime, insert
from storage.tables import live_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """Who writes the live events of a platform."""

    is_mine: bool
    watermark_at: datetime | None  # all events received until then are written; None: there were none yet


WHOLE = "0/1"
"""The only part of a connection that is not divided."""

_OWNER = bindparam("new_owner", type_=Id)
_IS_IT = and_(live_state.c.platform == PLATFORM, live_state.c.part == literal(WHOLE, Id))
_WATERMARK_AT = select(live_state.c.watermark_at).where(_IS_IT).with_for_update()
_ENTER = insert(live_state).values(
    platform=PLATFORM,
    part=literal(WHOLE, Id),
    owner=_OWNER,
    lease_until=DatabaseTime(bindparam("seconds", type_=Float)),
    created_at=NOW,
    updated_at=NOW,
)
_BEYOND_SECONDS = 600.0  # beyond any lease: the database's clock was set back
_IS_FREE = or_(
    live_state.c.owner.is_(None),
    live_state.c.owner == _OWNER,
    live_state.c.lease_until.is_(None),
    live_state.c.lease_until <= DatabaseTime(),
    live_state.c.lease_until > DatabaseTime(literal(_BEYOND_SECONDS)),
    # A SQLite archive has one process: whatever another one left behind, its lease is void.
    bindparam("is_alone", type_=Boolean),
)
# Nothing comes back where another process leads.
_TAKE = _ENTER.on_conflict_do_update(
    index_elements=["platform", "part"],
    set_={name: _ENTER.excluded[name] for name in ("owner", "lease_until", "updated_at")},
    where=_IS_FREE,
).returning(live_state.c.platform)


@finish_before_cancel
async def acquire_leadership(db: Database, platform: str, owner: str, *, now: datetime, lease: timedelta) -> Leadership:
    """Acquire or renew the leadership of a platform, unless another process holds an unexpired lease.

    The lease is measured by the database's clock, which all processes share.
    """
    values = {"of_platform": platform, "new_owner": owner, "seconds": lease.total_seconds(), "now": now}
    values["is_alone"] = db.dialect == "sqlite"
    async with db.writing() as connection:
        watermark_at = (await connection.execute(_WATERMARK_AT, values)).scalar_one_or_none()
        taken = (await connection.execute(_TAKE, values)).one_or_none()
    return Leadership(is_mine=taken is not None, watermark_at=watermark_at)


_NEW_WATERMARK_AT = bindparam("new_watermark_at", type_=UtcDateTime)
_ADVANCE = (
    update(live_state)
    .where(_IS_IT, live_state.c.owner == _OWNER)
    .where(or_(live_state.c.watermark_at.is_(None), live_state.c.watermark_at < _NEW_WATERMARK_AT))
    .values(watermark_at=_NEW_WATERMARK_AT, updated_at=NOW)
)


@finish_before_cancel
async def advance_watermark(db: Database, platform: str, owner: str, watermark_at: datetime, now: datetime) -> None:
    """Note that all events received until then are written, unless another process leads.

    It never moves backwards.
    """
    values = {"of_platform": platform, "new_owner": owner, "new_watermark_at": watermark_at, "now": now}
    async with db.writing() as connection:
        await connection.execute(_ADVANCE, values)
