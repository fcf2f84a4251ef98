"""Record erasure requests, and carry them out; a recorded one survives every interruption."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import final

from sqlalchemy import RowMapping, case, null, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.absences import EVERY_TENANT, Absence, require_hash
from storage.privacy.fulfilment import COUNTED, Erased, PersonRequest, fulfil, id_of_request
from storage.privacy.removal import Removal
from storage.sql import NOW, TENANT_ID, USER_HASH, all_rows, insert
from storage.tables import erased_users


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequest(PersonRequest):
    """An erasure request and its progress."""

    @property
    def id(self) -> str:
        """An id of the request."""
        return id_of_request(self.tenant_id or EVERY_TENANT, self.user_hash)

    @property
    def removal(self) -> Removal:
        """What it removes: everything."""
        return Removal(user_hash=self.user_hash, tenant_id=self.tenant_id, absence=Absence(), request=erased_users)


_REQUESTS = select(erased_users).order_by(erased_users.c.erased_at, erased_users.c.user_hash, erased_users.c.tenant_id)
_UNFINISHED = _REQUESTS.where(erased_users.c.completed_at.is_(None))
_is_it = (erased_users.c.tenant_id == TENANT_ID, erased_users.c.user_hash == USER_HASH)
_IT = _REQUESTS.where(*_is_it)


@finish_before_cancel
async def list_requests(
    db: Database, *, unfinished: bool = False, offset: int = 0, limit: int | None = None
) -> list[ErasureRequest]:
    """List the erasure requests, the oldest first: all, or only those that are not completed.

    ``offset`` leaves out the first ones, and ``limit`` is how many are listed at most; None: all.
    """
    chosen = _UNFINISHED if unfinished else _REQUESTS
    async with db.reading() as connection:
        return [_request(row) for row in await all_rows(connection, chosen.limit(limit).offset(offset), {})]


_insert = insert(erased_users).values(
    tenant_id=TENANT_ID, user_hash=USER_HASH, erased_at=NOW, created_at=NOW, updated_at=NOW
)
_was_completed = erased_users.c.completed_at.is_not(None)
_RECORD = _insert.on_conflict_do_update(
    index_elements=["tenant_id", "user_hash"],
    set_={
        "swept_at": null(),
        "completed_at": null(),
        "updated_at": _insert.excluded.updated_at,
        **{name: case((_was_completed, 0), else_=erased_users.c[name]) for name in COUNTED},
    },
)


@finish_before_cancel
async def record_request(db: Database, user_hash: str, *, tenant_id: str | None, now: datetime) -> ErasureRequest:
    """Record a request durably. From then on nothing new of the person is stored; a completed one begins again.

    Args:
        db: the archive.
        user_hash: the person's hash, 64 hexadecimal digits.
        tenant_id: only in this tenant, known or not; None: in all present and future ones.
        now: the time of the erasure request.

    Raises:
        ValueError: the hash is invalid.
    """
    require_hash(user_hash)
    values = {"user": user_hash, "tenant": tenant_id or EVERY_TENANT, "now": now}
    async with db.writing() as connection:
        await connection.execute(_RECORD, values)
    return await find_request(db, user_hash, tenant_id)


@finish_before_cancel
async def find_request(db: Database, user_hash: str, tenant_id: str | None) -> ErasureRequest:
    """Load the current state of a recorded request."""
    async with db.reading() as connection:
        rows = await all_rows(connection, _IT, {"user": user_hash, "tenant": tenant_id or EVERY_TENANT})
    return _request(rows[0])


async def fulfil_request(
    db: Database, request: ErasureRequest, *, clock: Callable[[], datetime], window: int = 10_000
) -> ErasureRequest:
    """Carry out a recorded request. After an interruption the next call continues.

    Args:
        db: the archive.
        request: the request.
        clock: returns the current time.
        window: how many messages a transaction searches.

    Returns:
        Its state. It is not completed while a reader keeps a SQLite file's log from being emptied: call again then.
    """
    await fulfil(db, request.removal, is_swept=request.swept_at is not None, clock=clock, window=window)
    return await find_request(db, request.user_hash, request.tenant_id)


async def erase_user(
    db: Database, user_hash: str, *, tenant_id: str | None, now: datetime, window: int = 10_000
) -> Erased:
    """Record a request and carry it out at once; return how many rows were changed.

    Raises:
        ValueError: the hash is invalid.
    """
    request = await record_request(db, user_hash, tenant_id=tenant_id, now=now)
    return (await fulfil_request(db, request, clock=lambda: now, window=window)).removed


def _request(row: RowMapping) -> ErasureRequest:
    return ErasureRequest(
        user_hash=row["user_hash"],
        tenant_id=row["tenant_id"] or None,
        requested_at=row["erased_at"],
        swept_at=row["swept_at"],
        completed_at=row["completed_at"],
        removed=Erased(**{name: row[name] for name in COUNTED}),
    )
