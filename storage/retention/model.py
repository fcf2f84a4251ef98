"""How far the removal of content is in each tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, Select, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.retention.readings import Readings, next_readings
from storage.sql import TENANT_ID, TENANT_IDS, all_rows, fields_of
from storage.tables import content_retention, tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A tenant's row of ``content_retention``; ``observed_at`` is None where it has none yet."""

    tenant_id: str
    content_before: datetime | None
    swept_before: datetime | None
    cleaned_before: datetime | None
    swept_at: datetime | None
    observed_at: datetime | None
    trusted_at: datetime | None
    messages_left: int
    messages_emptied: int

    def is_due(self, now: datetime) -> bool:
        """Whether looking at the clock again can change anything."""
        if self.observed_at is None:
            return True
        known = Readings(self.observed_at, self.trusted_at)
        return next_readings(known, now) != known

    @property
    def is_swept(self) -> bool:
        """Whether no row holds content that has had its time."""
        return self.swept_before == self.content_before

    @property
    def is_clean(self) -> bool:
        """Whether no byte of a SQLite archive's files holds what was removed from the rows."""
        return self.cleaned_before == self.swept_before


_COLUMNS = [c for c in content_retention.c if c.name in Retention.__dataclass_fields__ and c.name != "tenant_id"]
_ALL: Select[tuple[object, ...]] = (
    select(tenants.c.id.label("tenant_id"), *_COLUMNS)
    .select_from(tenants.outerjoin(content_retention, content_retention.c.tenant_id == tenants.c.id))
    .where(tenants.c.purged_at.is_(None))
    .order_by(tenants.c.id)
)
_ONE = _ALL.where(tenants.c.id == TENANT_ID)
_SOME = _ALL.where(tenants.c.id.in_(TENANT_IDS))


@finish_before_cancel
async def list_retentions(db: Database) -> list[Retention]:
    """List all tenants that are not purged."""
    async with db.reading() as connection:
        return [_retention(row) for row in await all_rows(connection, _ALL, {})]


@finish_before_cancel
async def retentions_of(db: Database, tenant_ids: Sequence[str]) -> dict[str, Retention]:
    """Look some tenants up, without those that are unknown or were purged."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _SOME, {"tenants": list(tenant_ids)})
    return {row["tenant_id"]: _retention(row) for row in rows}


@finish_before_cancel
async def find_retention(db: Database, tenant_id: str) -> Retention | None:
    """Look a tenant up; None where there is no such one, or it was purged."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _ONE, {"tenant": tenant_id})
    return _retention(rows[0]) if rows else None


def _retention(row: RowMapping) -> Retention:
    values = fields_of(row, Retention)
    return Retention(**values | {name: values[name] or 0 for name in ("messages_left", "messages_emptied")})
