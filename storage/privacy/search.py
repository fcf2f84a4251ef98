"""Where a person's hash stands in what others wrote, and a tenant's messages in windows to look through.

64 hexadecimal digits are found by nothing but themselves and need no escaping, so JSON can be treated as text.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, FromClause, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.types import Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.redaction import FORGOTTEN
from storage.sql import LIMIT, TENANT_ID, USER_HASH, PositionOf, TextAsJson, UtcDateTime, json_as_text
from storage.tables import messages

_MARK = literal_column(f"'{FORGOTTEN}'", Text)


def names_user(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Find out in SQL whether the parameter ``user`` stands in a column."""
    return PositionOf(_as_text(column), USER_HASH) > 0


def without_user(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Put a word in the place of the parameter ``user`` in what a column holds."""
    replaced = func.replace(_as_text(column), USER_HASH, _MARK)
    return TextAsJson(replaced) if _is_json(column) else replaced


def _as_text(column: ColumnElement[Any]) -> ColumnElement[str]:
    return json_as_text(column) if _is_json(column) else column


def _is_json(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """The messages of a tenant that were sent in a time."""

    tenant_id: str
    since: datetime  # exclusive
    until: datetime  # inclusive

    def as_values(self) -> dict[str, object]:
        """Return the parameters of ``IN_WINDOW``."""
        return {"tenant": self.tenant_id, "since": self.since, "until": self.until}


BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""Before and after every message."""

_is_later = and_(messages.c.tenant_id == TENANT_ID, messages.c.sent_at > bindparam("since", type_=UtcDateTime))

IN_WINDOW: ColumnElement[bool] = and_(_is_later, messages.c.sent_at <= bindparam("until", type_=UtcDateTime))
"""Whether a message lies in a window."""

_next = select(messages.c.sent_at).where(_is_later).order_by(messages.c.sent_at).limit(LIMIT).subquery("next")
_END = select(func.max(_next.c.sent_at, type_=UtcDateTime))

ABSENT_SINCE: ColumnElement[Any] = bindparam("absent_since", type_=UtcDateTime)
"""The beginning of the time of which nothing of a person is stored."""

ABSENT_UNTIL: ColumnElement[Any] = bindparam("absent_until", type_=UtcDateTime)
"""The end of that time."""


def is_withheld(table: FromClause) -> ColumnElement[bool]:
    """Find out in SQL whether a message was sent or last edited in that time; see ``Absence.covers``."""
    return or_(
        *(and_(table.c[name] >= ABSENT_SINCE, table.c[name] < ABSENT_UNTIL) for name in ("sent_at", "edited_at"))
    )


IS_WITHHELD = is_withheld(messages)
"""The same of the table of messages."""


async def time_windows(db: Database, tenant_id: str, size: int) -> AsyncIterator[TimeWindow]:
    """Walk all messages of a tenant in windows of about ``size`` of them, the oldest first.

    By the index over the times they were sent at, for what has to look at every message and should neither hold up
    others nor keep much in memory.
    """
    since = BEGINNING
    while (until := await _end_of(db, tenant_id, since, size)) is not None:
        yield TimeWindow(tenant_id=tenant_id, since=since, until=until)
        since = until


@finish_before_cancel
async def _end_of(db: Database, tenant_id: str, since: datetime, size: int) -> datetime | None:
    """Find when the window that begins behind a time ends; None where nothing is behind it."""
    values = {"tenant": tenant_id, "since": since, "limit": size}
    async with db.reading() as connection:
        until: datetime | None = (await connection.execute(_END, values)).scalar_one()
    return until
