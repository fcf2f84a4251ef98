"""What a request removes, and the parameters of the statements that do it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_

from storage.privacy.absences import EVERY_TENANT, Absence
from storage.privacy.redaction import mark_of
from storage.privacy.search import ABSENT_SINCE, BEGINNING, END
from storage.sql import TENANT_ID, USER_HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a request removes: of whom, where, of which time; and the request's row, where it is counted."""

    user_hash: str
    tenant_id: str | None  # known or not; None: in all tenants
    absence: Absence
    request: Table
    requested_at: datetime | None = None  # where a person can have several requests

    def is_request(self) -> ColumnElement[bool]:
        """Return what tells the request's row in its table, with the parameters of ``as_values``."""
        columns = self.request.c
        is_it = and_(columns.tenant_id == TENANT_ID, columns.user_hash == USER_HASH)
        return is_it if self.requested_at is None else and_(is_it, columns.requested_at == self.requested_at)

    def is_unchanged(self) -> ColumnElement[bool]:
        """Return what tells the row, unless it was made to reach further back since this was read from it."""
        if self.requested_at is None:
            return self.is_request()
        withheld_from = self.request.c.withheld_from
        return and_(
            self.is_request(), withheld_from.is_(None) if self.absence.since is None else withheld_from >= ABSENT_SINCE
        )

    def as_values(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of the statements: a change at ``now``."""
        return {
            "user": self.user_hash,
            "tenant": self.tenant_id or EVERY_TENANT,
            "absent_since": self.absence.since or BEGINNING,
            "absent_until": self.absence.until or END,
            "mark": mark_of(is_opt_out=self.absence.is_opt_out),
            "now": now,
        }
