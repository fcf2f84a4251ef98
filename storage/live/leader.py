"""Who writes what a platform tells: one process, by a lease that it renews. The others stand by.

On SQLite there is only one process, which leads at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, true, update
from sqlalchemy.sql.dml import ReturningInsert

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import INSERT, Id, UtcDateTime
from storage.tables import live_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """Who writes what a platform tells."""

    is_mine: bool
    watermark_at: datetime | None  # everything the platform told until then is written; None: it was never listened to


_NOW = bindparam("now", type_=UtcDateTime)
_PLATFORM = bindparam("of_platform", type_=Id)
_OWNER = bindparam("new_owner", type_=Id)
_WATERMARK_AT = select(live_state.c.watermark_at).where(live_state.c.platform == _PLATFORM).with_for_update()


def _take(dialect: str) -> ReturningInsert[tuple[str]]:
    """Nothing comes back where another process leads."""
    statement = INSERT[dialect](live_state).values(
        platform=_PLATFORM,
        owner=_OWNER,
        lease_until=bindparam("until", type_=UtcDateTime),
        created_at=_NOW,
        updated_at=_NOW,
    )
    is_free = or_(
        live_state.c.owner.is_(None),
        live_state.c.owner == _OWNER,
        live_state.c.lease_until.is_(None),
        live_state.c.lease_until <= _NOW,
    )
    names = ("owner", "lease_until", "updated_at")
    return statement.on_conflict_do_update(
        index_elements=["platform"],
        set_={name: statement.excluded[name] for name in names},
        where=true() if dialect == "sqlite" else is_free,
    ).returning(live_state.c.platform)


_TAKE = {dialect: _take(dialect) for dialect in INSERT}


@finish_before_cancel
async def acquire_leadership(db: Database, platform: str, owner: str, *, now: datetime, lease: timedelta) -> Leadership:
    """Take the lead of a platform or renew it, unless another process has it and its lease has not run out."""
    values = {"of_platform": platform, "new_owner": owner, "until": now + lease, "now": now}
    async with db.writing() as connection:
        watermark_at = (await connection.execute(_WATERMARK_AT, values)).scalar_one_or_none()
        taken = (await connection.execute(_TAKE[db.dialect], values)).one_or_none()
    return Leadership(is_mine=taken is not None, watermark_at=watermark_at)


_NEW_WATERMARK_AT = bindparam("new_watermark_at", type_=UtcDateTime)
_ADVANCE = (
    update(live_state)
    .where(live_state.c.platform == _PLATFORM, live_state.c.owner == _OWNER)
    .where(or_(live_state.c.watermark_at.is_(None), live_state.c.watermark_at < _NEW_WATERMARK_AT))
    .values(watermark_at=_NEW_WATERMARK_AT, updated_at=_NOW)
)


@finish_before_cancel
async def advance_watermark(db: Database, platform: str, owner: str, watermark_at: datetime, now: datetime) -> None:
    """Everything the platform told until then is written. Nothing is marked where another process leads.

    It never moves backwards.
    """
    values = {"of_platform": platform, "new_owner": owner, "new_watermark_at": watermark_at, "now": now}
    async with db.writing() as connection:
        await connection.execute(_ADVANCE, values)
