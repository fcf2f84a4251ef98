"""Waiting for as long as a platform demands: before syncs of one tenant, or of all it has and will have."""

from datetime import datetime

from sqlalchemy import bindparam, cast, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import NOW, PLATFORM, TENANT_ID, Id, UtcDateTime, insert, utc_text
from storage.tables import archive_settings, tenants

_UNTIL = bindparam("until", type_=UtcDateTime)
_SETTING = bindparam("setting", type_=Id)
_HOLD = (
    update(tenants)
    .where(or_(tenants.c.not_before.is_(None), tenants.c.not_before < _UNTIL))
    .values(not_before=_UNTIL, updated_at=NOW)
)
_HOLD_ONE = _HOLD.where(tenants.c.platform == PLATFORM, tenants.c.id == TENANT_ID)
_HOLD_ALL = _HOLD.where(tenants.c.platform == PLATFORM)

_wait = insert(archive_settings).values(name=_SETTING, value=bindparam("until_text"), created_at=NOW, updated_at=NOW)
_KEEP_WAIT = _wait.on_conflict_do_update(
    index_elements=["name"],
    set_={"value": _wait.excluded.value, "updated_at": _wait.excluded.updated_at},
    where=archive_settings.c.value < _wait.excluded.value,  # texts of one width: their order is that of time
)

PLATFORM_WAIT = cast(
    select(archive_settings.c.value).where(archive_settings.c.name == _SETTING).scalar_subquery(),
    UtcDateTime,
)
"""Until when a platform lets us sync none of its tenants; null where it has said nothing."""


def wait_setting(platform: str) -> str:
    """Return the parameter of ``PLATFORM_WAIT``: under which name a platform's wait is kept."""
    return f"not_before:{platform}"


@finish_before_cancel
async def defer_until(db: Database, tenant_id: str | None, platform: str, until: datetime, now: datetime) -> None:
    """Hold a tenant's jobs, or with None those of every tenant that the platform has or will have, until a time.

    A wait that ends earlier than the one already stored does not shorten it.
    """
    values = {"of_platform": platform, "until": until, "now": now}
    async with db.writing() as connection:
        if tenant_id is not None:
            await connection.execute(_HOLD_ONE, {**values, "tenant": tenant_id})
            return
        wait = {"setting": wait_setting(platform), "until_text": utc_text(until), "now": now}
        await connection.execute(_KEEP_WAIT, wait)
        await connection.execute(_HOLD_ALL, values)
