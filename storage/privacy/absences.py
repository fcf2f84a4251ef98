"""Of whom nothing is stored, and of which time: for ever after an erasure, for a while by an opt-out.

A request is recorded once for each tenant, or once for all. Every transaction that stores a platform's records takes a
lock (see ``barrier``) and then reads the requests, so that what removes a person can wait for those that began before
the request was recorded.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Row, bindparam, cast, literal_column, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Boolean, Text

from storage.privacy.barrier import enter
from storage.sql import UtcDateTime
from storage.tables import content_retention, erased_users, opt_outs

EVERY_TENANT = ""
"""The tenant id of a request for all tenants."""

_HASH = re.compile("[0-9a-f]{64}")


def require_hash(user_hash: str) -> None:
    """Refuse what is no person's hash.

    Raises:
        ValueError: it is not 64 hexadecimal digits.
    """
    if not _HASH.fullmatch(user_hash):
        raise ValueError("a person is named by 64 hexadecimal digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A time of which nothing of a person is stored. Without bounds: an erasure, which is for ever."""

    since: datetime | None = None  # inclusive; None: from the beginning
    until: datetime | None = None  # exclusive; None: it still holds
    is_opt_out: bool = False

    def covers(self, *times: datetime | None) -> bool:
        """Whether one of these times lies in it, of those that are given."""
        return any(
            (self.since is None or self.since <= time) and (self.until is None or time < self.until)
            for time in times
            if time is not None
        )

    def is_ended_at(self, time: datetime | None) -> bool:
        """Whether it has ended by a time; of an unknown one it is not known."""
        return self.until is not None and time is not None and self.until <= time


Absences: TypeAlias = Mapping[str, tuple[Absence, ...]]
"""By the hashes of people."""


def _nothing(kind: Any) -> ColumnElement[Any]:
    return cast(null(), kind)


REQUESTS = union_all(
    select(
        erased_users.c.tenant_id,
        erased_users.c.user_hash,
        _nothing(UtcDateTime).label("since"),
        _nothing(UtcDateTime).label("until"),
        literal_column("false", Boolean).label("is_opt_out"),
    ),
    select(
        opt_outs.c.tenant_id,
        opt_outs.c.user_hash,
        opt_outs.c.withheld_from,
        opt_outs.c.withheld_until,
        literal_column("true", Boolean),
    ),
).subquery("requests")
"""All erasures and opt-outs, as absences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What of a tenant is not stored."""

    absences: Absences
    content_before: datetime | None  # nothing that was said before; None: whatever its age


_tenants: BindParameter[str] = bindparam("tenants", expanding=True)
_RULES = union_all(
    select(REQUESTS).where(REQUESTS.c.tenant_id.in_(_tenants)),
    select(
        content_retention.c.tenant_id,
        _nothing(Text),
        _nothing(UtcDateTime),
        content_retention.c.content_before,
        literal_column("false", Boolean),
    ).where(content_retention.c.tenant_id.in_(_tenants)),
)
"""Absences, and without a person up to when what was said is not stored."""


async def rules_for(connection: AsyncConnection, tenant_ids: Collection[str]) -> dict[str, Rules]:
    """Read who is absent from each of some tenants, and up to when nothing that was said there is stored.

    Read before anything is stored, it stays true until the transaction ends.
    """
    await enter(connection)
    rows = (await connection.execute(_RULES, {"tenants": [EVERY_TENANT, *tenant_ids]})).all()
    return {
        tenant_id: _rules([row for row in rows if row.tenant_id in (EVERY_TENANT, tenant_id)])
        for tenant_id in tenant_ids
    }


def _rules(rows: Collection[Row[Any]]) -> Rules:
    return Rules(
        absences=_by_person(row for row in rows if row.user_hash is not None),
        content_before=next((row.until for row in rows if row.user_hash is None), None),
    )


def _by_person(rows: Iterable[Row[Any]]) -> Absences:
    found: dict[str, tuple[Absence, ...]] = {}
    for row in rows:
        absence = Absence(since=row.since, until=row.until, is_opt_out=bool(row.is_opt_out))
        found[row.user_hash] = (*found.get(row.user_hash, ()), absence)
    return found
