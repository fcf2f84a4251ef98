"""Staying away for as long as a platform asks us to: from one tenant, or from all it has and will have."""

from datetime import datetime

from sqlalchemy import bindparam, cast, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import INSERT, UtcDateTime, utc_text
from storage.tables import archive_settings, tenants

_NOW = bindparam("now", type_=UtcDateTime)
_UNTIL = bindparam("until", type_=UtcDateTime)
_HOLD = (
    update(tenants)
    .where(or_(tenants.c.not_before.is_(None), tenants.c.not_before < _UNTIL))
    .values(not_before=_UNTIL, updated_at=_NOW)
)
_HOLD_ONE = _HOLD.where(tenants.c.platform == bindparam("of_platform"), tenants.c.id == bindparam("of_tenant"))
_HOLD_ALL = _HOLD.where(tenants.c.platform == bindparam("of_platform"))

_INSERT_WAIT = {
    dialect: insert(archive_settings).values(
        name=bindparam("setting"), value=bindparam("until_text"), created_at=_NOW, updated_at=_NOW
    )
    for dialect, insert in INSERT.items()
}
_KEEP_WAIT = {
    dialect: statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
        where=archive_settings.c.value < statement.excluded.value,  # texts of one width: their order is that of time
    )
    for dialect, statement in _INSERT_WAIT.items()
}

PLATFORM_WAIT = cast(
    select(archive_settings.c.value).where(archive_settings.c.name == bindparam("setting")).scalar_subquery(),
    UtcDateTime,
)
"""Until when a platform has asked us to stay away from everybody; null where it has not."""


def wait_setting(platform: str) -> str:
    """The parameter of ``PLATFORM_WAIT``: under which name a platform's wait is kept."""
    return f"not_before:{platform}"


@finish_before_cancel
async def defer_until(db: Database, tenant_id: str | None, platform: str, until: datetime, now: datetime) -> None:
    """Hold a tenant's jobs, or with None those of every tenant that the platform has or will have, until a time.

    A wait that ends earlier than the one already stored does not shorten it.
    """
    values = {"of_platform": platform, "until": until, "now": now}
    async with db.writing() as connection:
        if tenant_id is not None:
            await connection.execute(_HOLD_ONE, {**values, "of_tenant": tenant_id})
            return
        wait = {"setting": wait_setting(platform), "until_text": utc_text(until), "now": now}
        await connection.execute(_KEEP_WAIT[db.dialect], wait)
        await connection.execute(_HOLD_ALL, values)
