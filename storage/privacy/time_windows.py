"""A tenant's messages in windows of a bounded number, by the index over the times they were sent at.

For what has to look at every message, and should neither hold up others nor keep much in memory.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlalchemy.types import Integer

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import Id, UtcDateTime
from storage.tables import messages

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """The messages of a tenant that were sent in a time."""

    tenant_id: str
    since: datetime  # exclusive
    until: datetime  # inclusive

    def as_values(self) -> dict[str, object]:
        """The parameters of ``IN_WINDOW``."""
        return {"of_tenant": self.tenant_id, "since": self.since, "until": self.until}


_TENANT = bindparam("of_tenant", type_=Id)
_is_later = and_(messages.c.tenant_id == _TENANT, messages.c.sent_at > bindparam("since", type_=UtcDateTime))

IN_WINDOW: ColumnElement[bool] = and_(_is_later, messages.c.sent_at <= bindparam("until", type_=UtcDateTime))
"""Whether a message lies in a window."""

_some = select(messages.c.sent_at).where(_is_later).order_by(messages.c.sent_at).limit(bindparam("size", type_=Integer))
_END = select(func.max(_some.subquery("some").c.sent_at, type_=UtcDateTime))


async def time_windows(db: Database, tenant_id: str, size: int) -> AsyncIterator[TimeWindow]:
    """Windows that together hold every message there is, each of about ``size`` of them; the oldest first."""
    since = _BEGINNING
    while (until := await _end_of(db, tenant_id, since, size)) is not None:
        yield TimeWindow(tenant_id=tenant_id, since=since, until=until)
        since = until


@finish_before_cancel
async def _end_of(db: Database, tenant_id: str, since: datetime, size: int) -> datetime | None:
    """When the window that begins behind a moment ends; None where nothing is behind it."""
    values = {"of_tenant": tenant_id, "since": since, "size": size}
    async with db.reading() as connection:
        until: datetime | None = (await connection.execute(_END, values)).scalar_one()
    return until
