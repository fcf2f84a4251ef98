"""Who writes the live events of a part of a platform's connection: one process, by a lease that it renews.

The others stand by. On SQLite there is only one process, which leads at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Boolean, Float, Integer, and_, bindparam, delete, func, literal, null, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import LeadershipLost
from storage.sql import (
    NOW,
    PLATFORM,
    DatabaseTime,
    Id,
    UtcDateTime,
    dump_json,
    insert,
    json_objects,
    json_strings,
    utc_text,
)
from storage.tables import live_state

Part: TypeAlias = tuple[str, str]
"""A part of a platform's connection: the platform's name, and the part's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """Who writes the live events of a part."""

    is_mine: bool
    watermark_at: datetime | None  # all events received until then are written; None: there were none yet


_BEYOND_SECONDS = 600.0  # beyond any lease: the database's clock was set back
_OWNER = bindparam("new_owner", type_=Id)
_IS_ALONE = bindparam("is_alone", type_=Boolean)
_wanted = select(json_strings("parts").label("part")).subquery("wanted")
_other = live_state.alias("other")
_division = select(json_strings("division"))
_is_over = or_(
    live_state.c.lease_until.is_(None),
    live_state.c.lease_until <= DatabaseTime(),
    live_state.c.lease_until > DatabaseTime(literal(_BEYOND_SECONDS)),
)
_is_of_another_division = and_(_other.c.platform == PLATFORM, _other.c.part.not_in(_division))
# Where the platform was divided otherwise, what was written until then is known of the whole alone.
_EARLIER = select(func.min(_other.c.watermark_at)).where(_is_of_another_division).scalar_subquery()
_is_divided_otherwise = (
    select(_other.c.part)
    .where(_is_of_another_division, _other.c.owner != _OWNER)
    .where(_other.c.lease_until > DatabaseTime(), _other.c.lease_until <= DatabaseTime(literal(_BEYOND_SECONDS)))
    .exists()
)
_LEASE_UNTIL = DatabaseTime(bindparam("seconds", type_=Float))
_is_wanted = and_(live_state.c.platform == PLATFORM, live_state.c.part.in_(select(json_strings("parts"))))
_RENEW = (
    update(live_state)
    .where(_is_wanted, live_state.c.owner == _OWNER)
    .values(lease_until=_LEASE_UNTIL, updated_at=NOW)
    .returning(live_state.c.part)
)
_may_enter = or_(_IS_ALONE, ~_is_divided_otherwise)
# A SQLite archive has one process: whatever another one left behind, its lease is void.
_is_free = or_(live_state.c.owner.is_(None), _is_over, _IS_ALONE)
# A process that stands still may keep its rows locked: renewing one's own must not wait for those.
_FREE_ROWS = (
    select(live_state.c.part)
    .where(_is_wanted, func.coalesce(live_state.c.owner != _OWNER, true()), _is_free, _may_enter)
    .order_by(live_state.c.part)
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(live_state)
    .where(live_state.c.platform == PLATFORM, live_state.c.part.in_(_FREE_ROWS))
    .values(owner=_OWNER, lease_until=_LEASE_UNTIL, updated_at=NOW)
    .returning(live_state.c.part)
)
_values = {
    "platform": PLATFORM,
    "part": _wanted.c.part,
    "owner": _OWNER,
    "watermark_at": _EARLIER,
    "lease_until": _LEASE_UNTIL,
    "created_at": NOW,
    "updated_at": NOW,
}
_is_known = (
    select(live_state.c.part)
    .where(live_state.c.platform == PLATFORM, live_state.c.part == _wanted.c.part)
    .correlate(_wanted)
    .exists()
)
_ENTER = (
    insert(live_state)
    .from_select(list(_values), select(*_values.values()).where(~_is_known, _may_enter).order_by(_wanted.c.part))
    .on_conflict_do_nothing(index_elements=["platform", "part"])
    .returning(live_state.c.part)
)
_WATERMARKS = select(live_state.c.part, live_state.c.watermark_at).where(_is_wanted)
_known = select(func.count()).where(_other.c.platform == PLATFORM, _other.c.part.in_(_division)).scalar_subquery()
_DROP_EARLIER = (
    delete(live_state)
    .where(live_state.c.platform == PLATFORM, live_state.c.part.not_in(_division))
    .where(or_(_is_free, live_state.c.owner == _OWNER))
    .where(_known == bindparam("size", type_=Integer))
)


@finish_before_cancel
async def acquire_leadership(
    db: Database,
    platform: str,
    parts: Collection[str],
    owner: str,
    *,
    now: datetime,
    lease: timedelta,
    division: Collection[str] = (),
) -> dict[str, Leadership]:
    """Acquire or renew the leadership of parts of a platform, except those of which another has an unexpired lease.

    The lease is measured by the database's clock, which all processes share. While a process leads by another division
    of the platform nothing is acquired: its parts overlap with these.

    Args:
        db: the archive.
        platform: its name.
        parts: the parts that are sought.
        owner: the process that seeks them.
        now: the time of the rows' change.
        lease: how long a leadership lasts without being renewed.
        division: all parts that the platform has at present; empty: those that are sought.

    Returns:
        The leadership of each part.
    """
    division = division or parts
    values = {
        "of_platform": platform,
        "parts": dump_json(sorted(parts)),
        "division": dump_json(sorted(division)),
        "size": len(division),
        "new_owner": owner,
        "seconds": lease.total_seconds(),
        "now": now,
        "is_alone": db.dialect == "sqlite",
    }
    async with db.writing() as connection:
        taken = {
            part for step in (_RENEW, _TAKE, _ENTER) for part in (await connection.execute(step, values)).scalars()
        }
        watermarks = dict((await connection.execute(_WATERMARKS, values)).all())
        await connection.execute(_DROP_EARLIER, values)
    return {part: Leadership(is_mine=part in taken, watermark_at=watermarks.get(part)) for part in parts}


_RELEASE = (
    update(live_state)
    .where(live_state.c.platform == PLATFORM, live_state.c.owner == _OWNER)
    .where(live_state.c.part.in_(select(json_strings("parts"))))
    .values(owner=null(), lease_until=null(), updated_at=NOW)
)


@finish_before_cancel
async def release_leadership(db: Database, platform: str, parts: Collection[str], owner: str, now: datetime) -> None:
    """Let another process lead parts at once."""
    values = {"of_platform": platform, "parts": dump_json(sorted(parts)), "new_owner": owner, "now": now}
    async with db.writing() as connection:
        await connection.execute(_RELEASE, values)


_FREE = select(_wanted.c.part).where(
    ~select(live_state.c.part)
    .where(live_state.c.platform == PLATFORM, live_state.c.part == _wanted.c.part)
    .where(live_state.c.owner.is_not(None), ~_is_over)
    .exists()
)


@finish_before_cancel
async def free_parts(db: Database, platform: str, division: Collection[str]) -> set[str]:
    """Return the parts of a platform that no process leads."""
    values = {"of_platform": platform, "parts": dump_json(sorted(division))}
    async with db.reading() as connection:
        return set((await connection.execute(_FREE, values)).scalars())


_advanced = json_objects("advanced", part=Id(), watermark_at=UtcDateTime())
_ADVANCE = (
    update(live_state)
    .where(live_state.c.platform == PLATFORM, live_state.c.owner == _OWNER, live_state.c.part == _advanced.c.part)
    .where(or_(live_state.c.watermark_at.is_(None), live_state.c.watermark_at < _advanced.c.watermark_at))
    .values(watermark_at=_advanced.c.watermark_at, updated_at=NOW)
)


@finish_before_cancel
async def advance_watermark(
    db: Database, platform: str, owner: str, watermarks: Mapping[str, datetime], now: datetime
) -> None:
    """Note by part until when all events received are written, unless another process leads it.

    It never moves backwards.
    """
    rows = [{"part": part, "watermark_at": utc_text(watermarks[part])} for part in sorted(watermarks)]
    values = {"of_platform": platform, "new_owner": owner, "advanced": dump_json(rows), "now": now}
    async with db.writing() as connection:
        await connection.execute(_ADVANCE, values)


_held = json_objects("held", platform=Id(), part=Id())
_HOLD = (
    select(live_state.c.platform, live_state.c.part)
    .join(_held, and_(live_state.c.platform == _held.c.platform, live_state.c.part == _held.c.part))
    .where(live_state.c.owner == _OWNER)
    .order_by(live_state.c.platform, live_state.c.part)
    # A takeover locks the rows whole, and waits for this; renewing and advancing change no key, and do not.
    .with_for_update(read=True, key_share=True, of=live_state)
)


async def hold_leadership(connection: AsyncConnection, parts: Collection[Part], owner: str) -> None:
    """Keep others from taking over the leadership of parts until the transaction ends.

    A process that stood still must not write what it received before another one took over: that may have written
    later changes.

    Raises:
        LeadershipLost: another process leads one of them.
    """
    if connection.dialect.name == "sqlite" or not parts:
        return
    rows = [{"platform": platform, "part": part} for platform, part in sorted(parts)]
    found = (await connection.execute(_HOLD, {"held": dump_json(rows), "new_owner": owner})).all()
    if len(found) < len(rows):
        raise LeadershipLost
