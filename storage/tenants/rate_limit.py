"""Waiting for as long as a platform demands: before syncs of one tenant, or of all it has and will have."""

from datetime import datetime

from sqlalchemy import Select, bindparam, case, cast, delete, null, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import LONGEST_WAIT
from storage.sql import NOW, PLATFORM, TENANT_ID, Id, UtcDateTime, insert, utc_text
from storage.tables import archive_settings, sync_jobs, tenants, unfinished

_UNTIL = bindparam("until", type_=UtcDateTime)
_SETTING = bindparam("setting", type_=Id)
_wait = insert(archive_settings).values(name=_SETTING, value=bindparam("until_text"), created_at=NOW, updated_at=NOW)
_KEEP_WAIT = _wait.on_conflict_do_update(
    index_elements=["name"],
    set_={"value": _wait.excluded.value, "updated_at": _wait.excluded.updated_at},
)

PLATFORM_WAIT = cast(
    select(archive_settings.c.value).where(archive_settings.c.name == _SETTING).scalar_subquery(),
    UtcDateTime,
)
"""Until when a platform lets us sync none of its tenants; null where it has said nothing."""

_HOLD = update(tenants).where(tenants.c.platform == PLATFORM).values(not_before=_UNTIL, updated_at=NOW)
# Replaces the tenant's own wait; a longer one of the whole platform stays.
_HOLD_ONE = _HOLD.where(tenants.c.id == TENANT_ID).values(
    not_before=case((PLATFORM_WAIT > _UNTIL, PLATFORM_WAIT), else_=_UNTIL)
)
# Replaces an earlier wait of the whole platform; a tenant's own longer wait stays.
_HOLD_ALL = _HOLD.where(
    or_(tenants.c.not_before.is_(None), tenants.c.not_before < _UNTIL, tenants.c.not_before == PLATFORM_WAIT)
)


def wait_setting(platform: str) -> str:
    """Return the parameter of ``PLATFORM_WAIT``: under which name a platform's wait is kept."""
    return f"not_before:{platform}"


@finish_before_cancel
async def defer_until(db: Database, tenant_id: str | None, platform: str, until: datetime, now: datetime) -> None:
    """Hold back a tenant's jobs, or with None those of all present and future tenants of a platform, until a time.

    A later requested wait replaces an earlier one. No wait is longer than a day.
    """
    until = min(until, now + LONGEST_WAIT)
    values = {"of_platform": platform, "until": until, "now": now, "setting": wait_setting(platform)}
    async with db.writing() as connection:
        if tenant_id is not None:
            await connection.execute(_HOLD_ONE, {**values, "tenant": tenant_id})
            return
        await connection.execute(_HOLD_ALL, values)
        wait = {"setting": wait_setting(platform), "until_text": utc_text(until), "now": now}
        await connection.execute(_KEEP_WAIT, wait)


_PLATFORM_WAIT: Select[datetime | None] = select(PLATFORM_WAIT)


@finish_before_cancel
async def platform_wait(db: Database, platform: str) -> datetime | None:
    """Return until when a platform lets us sync none of its tenants; None where it has said nothing."""
    async with db.reading() as connection:
        (until,) = (await connection.execute(_PLATFORM_WAIT, {"setting": wait_setting(platform)})).one()
    return until


_LATEST = bindparam("latest", type_=UtcDateTime)
_LIFT = update(tenants).where(tenants.c.not_before > _LATEST).values(not_before=null(), updated_at=NOW)
_LIFT_PLATFORMS = delete(archive_settings).where(
    archive_settings.c.name.startswith(wait_setting("")), archive_settings.c.value > bindparam("latest_text")
)
_LIFT_JOBS = (
    update(sync_jobs)
    .where(unfinished(sync_jobs), sync_jobs.c.status == "queued", sync_jobs.c.run_after > _LATEST)
    .values(run_after=NOW, rank_at=NOW, updated_at=NOW)
)


@finish_before_cancel
async def lift_impossible_waits(db: Database, now: datetime) -> int:
    """Delete stored waits of more than a day: an error of the platform, or of a clock that was set back since.

    Returns:
        How many tenants and jobs had such a wait.
    """
    latest = now + LONGEST_WAIT
    values = {"latest": latest, "now": now}
    async with db.writing() as connection:
        await connection.execute(_LIFT_PLATFORMS, {"latest_text": utc_text(latest)})
        held = (await connection.execute(_LIFT, values)).rowcount
        return held + (await connection.execute(_LIFT_JOBS, values)).rowcount
