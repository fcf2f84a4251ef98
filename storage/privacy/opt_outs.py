"""Opt-outs: from when to when nothing of a person is stored. Begun, ended, listed, carried over a restore."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from sqlalchemy import RowMapping, and_, bindparam, null, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import StorageError
from storage.privacy.absences import EVERY_TENANT, Absence, require_hash
from storage.privacy.fulfilment import COUNTED, Erased, PersonRequest, fulfil, id_of_request
from storage.privacy.removal import Removal
from storage.sql import NOW, TENANT_ID, USER_HASH, UtcDateTime, all_rows, insert
from storage.tables import IS_OPTED_OUT, opt_outs

MARGIN = timedelta(minutes=1)
"""By how much an opt-out begins before, and ends after, it was requested: the platform's clock says when a message was
sent, and this machine's when it was requested."""

_INSTANT = timedelta(microseconds=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(PersonRequest):
    """An opt-out, and how far the removal of what came in meanwhile is."""

    withheld_from: datetime | None  # None: from the beginning
    withheld_until: datetime | None  # None: it still holds

    @property
    def id(self) -> str:
        """An id of the opt-out."""
        return id_of_request("opt-out", self.tenant_id or EVERY_TENANT, self.user_hash, self.requested_at.isoformat())

    @property
    def removal(self) -> Removal:
        """What it removes: all of its time."""
        absence = Absence(since=self.withheld_from, until=self.withheld_until, is_opt_out=True)
        return Removal(
            user_hash=self.user_hash,
            tenant_id=self.tenant_id,
            absence=absence,
            request=opt_outs,
            requested_at=self.requested_at,
        )


_REQUESTED_AT = bindparam("requested", type_=UtcDateTime)
_FROM = bindparam("since", type_=UtcDateTime)
_UNTIL = bindparam("until", type_=UtcDateTime)
_columns = opt_outs.c
_is_theirs = _columns.user_hash == USER_HASH
_is_in_scope = and_(_is_theirs, _columns.tenant_id == TENANT_ID)
_ALL = select(opt_outs).order_by(_columns.requested_at, _columns.user_hash, _columns.tenant_id)
_THEIRS = _ALL.where(_is_theirs)
_UNFINISHED = _ALL.where(_columns.completed_at.is_(None))
_HOLDING = _ALL.where(_is_in_scope, IS_OPTED_OUT)
_IT = _ALL.where(_is_in_scope, _columns.requested_at == _REQUESTED_AT)


@finish_before_cancel
async def list_opt_outs(
    db: Database, user_hash: str | None = None, *, unfinished: bool = False, offset: int = 0, limit: int | None = None
) -> list[OptOut]:
    """List the opt-outs, also the ended ones, the oldest first: of all people or of one, or those to be carried out.

    ``offset`` leaves out the first ones, and ``limit`` is how many are listed at most; None: all.
    """
    chosen = _THEIRS if user_hash is not None else _UNFINISHED if unfinished else _ALL
    async with db.reading() as connection:
        rows = await all_rows(connection, chosen.limit(limit).offset(offset), {"user": user_hash})
    return [_opt_out(row) for row in rows]


@finish_before_cancel
async def find_opt_out(db: Database, opt_out: OptOut) -> OptOut:
    """Load the current state of a recorded opt-out."""
    values = _values(opt_out.user_hash, opt_out.tenant_id)
    async with db.reading() as connection:
        (row,) = await all_rows(connection, _IT, {**values, "requested": opt_out.requested_at})
    return _opt_out(row)


_BEGIN = (
    insert(opt_outs)
    .values(tenant_id=TENANT_ID, user_hash=USER_HASH, requested_at=_REQUESTED_AT, created_at=NOW, updated_at=NOW)
    .values(withheld_from=_FROM, withheld_until=_UNTIL)
    .on_conflict_do_nothing()
)
# A request that is made again says what it removed itself; one that was interrupted goes on counting.
_COUNT_ANEW = (
    update(opt_outs).where(_columns.completed_at.is_not(None)).values(dict.fromkeys(COUNTED, 0)).values(updated_at=NOW)
)
_COUNT_ANEW_HOLDING = _COUNT_ANEW.where(_is_in_scope, IS_OPTED_OUT)
_COUNT_ANEW_IT = _COUNT_ANEW.where(_is_in_scope, _columns.requested_at == _REQUESTED_AT)
_REACH_BACK = (
    update(opt_outs)
    .where(_columns.withheld_from.is_not(None), or_(_FROM.is_(None), _columns.withheld_from > _FROM))
    .values(withheld_from=_FROM, swept_at=null(), completed_at=null(), updated_at=NOW)
)
_REACH_BACK_HOLDING = _REACH_BACK.where(_is_in_scope, IS_OPTED_OUT)
_REACH_BACK_IT = _REACH_BACK.where(_is_in_scope, _columns.requested_at == _REQUESTED_AT)


@finish_before_cancel
async def opt_out(db: Database, user_hash: str, *, tenant_id: str | None, now: datetime, erase: bool = False) -> OptOut:
    """Record an opt-out durably. From then on nothing that the person writes or gives is stored.

    Where one holds already, it stays, and reaches back to the beginning if that is requested now; what it has removed
    is counted anew.

    Args:
        db: the archive.
        user_hash: the person's hash, 64 hexadecimal digits.
        tenant_id: only in this tenant, known or not; None: in all present and future ones.
        now: the time of the request.
        erase: remove also what was stored before.

    Raises:
        ValueError: the hash is invalid.
    """
    require_hash(user_hash)
    values = _values(user_hash, tenant_id, requested=now, since=None if erase else now - MARGIN, until=None, now=now)
    async with db.writing() as connection:
        await connection.execute(_BEGIN, values)
        await connection.execute(_COUNT_ANEW_HOLDING, values)
        if erase:
            await connection.execute(_REACH_BACK_HOLDING, values)
        found = await all_rows(connection, _HOLDING, values)
    if found:
        return _opt_out(found[0])
    # The one that held was ended at this moment, or one that was requested at the same time has ended.
    return await opt_out(db, user_hash, tenant_id=tenant_id, now=now + _INSTANT, erase=erase)


class OptedOutEverywhere(StorageError):
    """The person has opted out of all tenants, which cannot end in one of them."""

    code = "opted_out_everywhere"
    remedy = "End it for all tenants, and opt out of those where it shall hold."


_END = update(opt_outs).where(_is_theirs, IS_OPTED_OUT).values(withheld_until=_UNTIL, updated_at=NOW)
_END_IN_SCOPE = _END.where(_is_in_scope)


@finish_before_cancel
async def opt_in(db: Database, user_hash: str, *, tenant_id: str | None, now: datetime) -> list[OptOut]:
    """End a person's opt-outs: what they write later is stored again; of what they wrote meanwhile nothing ever is.

    Args:
        db: the archive.
        user_hash: the person's hash, 64 hexadecimal digits.
        tenant_id: the one in this tenant; None: all of theirs, in whatever tenants.
        now: the time of the request.

    Returns:
        Those that were ended now.

    Raises:
        OptedOutEverywhere: only the one in a tenant is to end, and one for all tenants holds; nothing was ended.
    """
    values = _values(user_hash, tenant_id, until=now + MARGIN, now=now)
    async with db.writing() as connection:
        if tenant_id is not None and await all_rows(connection, _HOLDING, _values(user_hash, None)):
            raise OptedOutEverywhere
        ended = await all_rows(connection, (_END if tenant_id is None else _END_IN_SCOPE).returning(opt_outs), values)
    return [_opt_out(row) for row in ended]


_END_IT = (
    update(opt_outs)
    .where(_is_in_scope, _columns.requested_at == _REQUESTED_AT, IS_OPTED_OUT)
    .values(withheld_until=_UNTIL, updated_at=NOW)
)


@finish_before_cancel
async def end_opt_out(db: Database, opt_out: OptOut, *, now: datetime) -> OptOut:
    """End one opt-out, if it still holds; return its state."""
    values = _values(opt_out.user_hash, opt_out.tenant_id, requested=opt_out.requested_at, until=now + MARGIN, now=now)
    async with db.writing() as connection:
        await connection.execute(_END_IT, values)
        (row,) = await all_rows(connection, _IT, values)
    return _opt_out(row)


@finish_before_cancel
async def restore_opt_out(db: Database, known: OptOut, *, now: datetime) -> OptOut:
    """Record an opt-out again that an archive restored from a backup may not know, or not its end, or not all of it.

    Where the archive does not know it, and another of the person's holds by now, that one reaches back to the earlier
    time. An earlier opt-out is to be restored before a later one.
    """
    values = _values(
        known.user_hash,
        known.tenant_id,
        requested=known.requested_at,
        since=known.withheld_from,
        until=known.withheld_until,
        now=now,
    )
    async with db.writing() as connection:
        await connection.execute(_BEGIN, values)
        is_known = bool(await all_rows(connection, _IT, values))
        await connection.execute(_COUNT_ANEW_IT if is_known else _COUNT_ANEW_HOLDING, values)
        await connection.execute(_REACH_BACK_IT if is_known else _REACH_BACK_HOLDING, values)
        if known.withheld_until is not None:
            await connection.execute(_END_IT, values)
        (row,) = await all_rows(connection, _IT if is_known else _HOLDING, values)
    return _opt_out(row)


async def fulfil_opt_out(
    db: Database, opt_out: OptOut, *, clock: Callable[[], datetime], window: int = 10_000
) -> OptOut:
    """Remove what came in between the time of an opt-out and its recording, or all before; return its state.

    See ``fulfil_request`` for the arguments, and for when it is not completed.
    """
    await fulfil(db, opt_out.removal, is_swept=opt_out.swept_at is not None, clock=clock, window=window)
    return await find_opt_out(db, opt_out)


def _values(user_hash: str, tenant_id: str | None, **more: datetime | None) -> dict[str, object]:
    return {"user": user_hash, "tenant": tenant_id or EVERY_TENANT, **more}


def _opt_out(row: RowMapping) -> OptOut:
    names = ("user_hash", "requested_at", "withheld_from", "withheld_until", "swept_at", "completed_at")
    return OptOut(
        tenant_id=row["tenant_id"] or None,
        removed=Erased(**{name: row[name] for name in COUNTED}),
        **{name: row[name] for name in names},
    )
