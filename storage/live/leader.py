"""Who writes the live events of a part of a platform's connection: one process, by a lease that it renews.

The others stand by. On SQLite there is only one process, which leads at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Boolean, Float, Integer, and_, bindparam, case, delete, func, null, or_, select, true, update
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
    has_run_out,
    insert,
    is_held,
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
    epoch: int = field(default=0, compare=False)  # how often it was taken over


_OWNER = bindparam("new_owner", type_=Id)
_IS_ALONE = bindparam("is_alone", type_=Boolean)
_part = select(json_strings("division").label("part")).subquery("part")
_other = live_state.alias("other")
_division = select(json_strings("division"))
_is_of_another_division = and_(_other.c.platform == PLATFORM, _other.c.part.not_in(_division))
# Where the platform was divided otherwise, what was written until then is known of the whole alone: as far as of each.
_EARLIER = (
    select(case((func.count() == func.count(_other.c.watermark_at), func.min(_other.c.watermark_at))))
    .where(_is_of_another_division)
    .scalar_subquery()
)
_is_divided_otherwise = (
    select(_other.c.part)
    .where(_is_of_another_division, _other.c.owner != _OWNER, is_held(_other.c.lease_until))
    .exists()
)
_may_enter = or_(_IS_ALONE, ~_is_divided_otherwise)
_is_known = (
    select(live_state.c.part)
    .where(live_state.c.platform == PLATFORM, live_state.c.part == _part.c.part)
    .correlate(_part)
    .exists()
)
_values = {"platform": PLATFORM, "part": _part.c.part, "watermark_at": _EARLIER, "created_at": NOW, "updated_at": NOW}
_ENTER = (
    insert(live_state)
    .from_select(list(_values), select(*_values.values()).where(~_is_known, _may_enter).order_by(_part.c.part))
    .on_conflict_do_nothing(index_elements=["platform", "part"])
)
_LEASE_UNTIL = DatabaseTime(bindparam("seconds", type_=Float))
_is_wanted = and_(live_state.c.platform == PLATFORM, live_state.c.part.in_(select(json_strings("parts"))))
_RENEW = (
    update(live_state)
    .where(_is_wanted, live_state.c.owner == _OWNER)
    .values(lease_until=_LEASE_UNTIL, updated_at=NOW)
    .returning(live_state.c.part)
)
# A SQLite archive has one process: whatever another one left behind, its lease is void.
_is_free = or_(live_state.c.owner.is_(None), has_run_out(live_state.c.lease_until), _IS_ALONE)
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
    .values(owner=_OWNER, lease_until=_LEASE_UNTIL, epoch=live_state.c.epoch + 1, updated_at=NOW)
    .returning(live_state.c.part)
)
_STATES = select(live_state.c.part, live_state.c.watermark_at, live_state.c.epoch).where(_is_wanted)
_DROP_EARLIER = (
    delete(live_state)
    .where(live_state.c.platform == PLATFORM, live_state.c.part.not_in(_division), _may_enter)
    .where(or_(_is_free, live_state.c.owner == _OWNER))
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
    values = {
        "of_platform": platform,
        "parts": dump_json(sorted(parts)),
        "division": dump_json(sorted(division or parts)),
        "new_owner": owner,
        "seconds": lease.total_seconds(),
        "now": now,
        "is_alone": db.dialect == "sqlite",
    }
    async with db.writing() as connection:
        await connection.execute(_ENTER, values)
        mine = {part for step in (_RENEW, _TAKE) for part in (await connection.execute(step, values)).scalars()}
        states = {part: state for part, *state in (await connection.execute(_STATES, values)).all()}
        await connection.execute(_DROP_EARLIER, values)
    leaderships = {}
    for part in parts:
        watermark_at, epoch = states.get(part, (None, 0))
        leaderships[part] = Leadership(is_mine=part in mine, watermark_at=watermark_at, epoch=epoch)
    return leaderships


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


_FREE = select(_part.c.part).where(
    ~select(live_state.c.part)
    .where(live_state.c.platform == PLATFORM, live_state.c.part == _part.c.part)
    .where(live_state.c.owner.is_not(None), is_held(live_state.c.lease_until))
    .correlate(_part)
    .exists()
)


@finish_before_cancel
async def free_parts(db: Database, platform: str, division: Collection[str]) -> set[str]:
    """Return the parts of a platform that no process leads."""
    values = {"of_platform": platform, "division": dump_json(sorted(division))}
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


_held = json_objects("held", platform=Id(), part=Id(), epoch=Integer())
_HOLD = (
    select(live_state.c.platform, live_state.c.part)
    .join(_held, and_(live_state.c.platform == _held.c.platform, live_state.c.part == _held.c.part))
    .where(live_state.c.owner == _OWNER, live_state.c.epoch == _held.c.epoch)
    .order_by(live_state.c.platform, live_state.c.part)
    # A takeover locks the rows whole, and waits for this; renewing and advancing change no key, and do not.
    .with_for_update(read=True, key_share=True, of=live_state)
)


async def hold_leadership(connection: AsyncConnection, leases: Mapping[Part, int], owner: str) -> None:
    """Keep others from taking over the leadership of parts, given with its epoch, until the transaction ends.

    A process that stood still must not write what it received before another one took over, also where it has taken
    the part back since: the other one may have written later changes.

    Raises:
        LeadershipLost: another process leads one of them, or has led it in between.
    """
    if connection.dialect.name == "sqlite" or not leases:
        return
    rows = [{"platform": platform, "part": part, "epoch": leases[platform, part]} for platform, part in sorted(leases)]
    found = (await connection.execute(_HOLD, {"held": dump_json(rows), "new_owner": owner})).all()
    if len(found) < len(rows):
        raise LeadershipLost
