"""Up to when a tenant's content has had its time. That moves by whole days, and only ever forward."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, case, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.retention.readings import Readings, next_readings
from storage.sql import NOW, TENANT_ID, UtcDateTime, insert, one_row
from storage.tables import content_retention, messages

_OBSERVED = bindparam("new_observed", type_=UtcDateTime)
_TRUSTED = bindparam("new_trusted", type_=UtcDateTime)
_BEFORE = bindparam("new_before", type_=UtcDateTime)
_retention = content_retention.c

_IS_FILLED = select(exists().where(messages.c.tenant_id == TENANT_ID))
_BEGIN = (
    insert(content_retention)
    .values(tenant_id=TENANT_ID, observed_at=_OBSERVED, trusted_at=_TRUSTED, created_at=NOW, updated_at=NOW)
    .on_conflict_do_nothing()
)
_READINGS = select(_retention.observed_at, _retention.trusted_at).where(_retention.tenant_id == TENANT_ID)
_is_later = or_(_retention.content_before.is_(None), _retention.content_before < _BEFORE)
_SAVE = (
    update(content_retention)
    .where(_retention.tenant_id == TENANT_ID)
    .values(
        observed_at=_OBSERVED,
        trusted_at=_TRUSTED,
        content_before=case((_is_later, _BEFORE), else_=_retention.content_before),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def advance(db: Database, tenant_id: str, content_days: int, now: datetime) -> None:
    """Look at the clock for a tenant, and move the time up to which its content has had its time.

    From then on no transaction that begins stores any of that content; ``sweep_some`` removes what is stored. In a
    tenant without any message the clock is believed at once: nothing is lost by it, and a first sync is not to store
    what would be removed in an hour.

    Args:
        db: the archive.
        tenant_id: ``tenants.id``, of a tenant that is stored.
        content_days: for how many days content is kept, one at least.
        now: what the clock says.
    """
    async with db.writing() as connection:
        readings = await _look(connection, tenant_id, now)
        before = _midnight(readings.trusted_at - timedelta(days=content_days)) if readings.trusted_at else None
        values = {"new_observed": readings.observed_at, "new_trusted": readings.trusted_at, "new_before": before}
        await connection.execute(_SAVE, {**values, "tenant": tenant_id, "now": now})


async def _look(connection: AsyncConnection, tenant_id: str, now: datetime) -> Readings:
    values = {"tenant": tenant_id, "now": now}
    row = await one_row(connection, _READINGS, values)
    if row is not None:
        return next_readings(Readings(row["observed_at"], row["trusted_at"]), now)
    is_filled = (await connection.execute(_IS_FILLED, values)).scalar_one()
    first = Readings(now, None if is_filled else now)
    await connection.execute(_BEGIN, {**values, "new_observed": now, "new_trusted": first.trusted_at})
    return first


def _midnight(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
