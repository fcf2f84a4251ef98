"""Who is behind the reactions. What is still to be fetched is asked of ``pending_reactions``, and can be had from here.

A message brings its totals per emoji; its users are fetched afterwards, the normal ones and the burst ones apart.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import Boolean, Integer, Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.privacy import redactor_for_channel
from storage.reactions.pending import PendingTotal
from storage.sql import INSERT, Id, RowId, UtcDateTime, differs, dump_json, json_elements, one_row
from storage.tables import reaction_totals, reactions

_BURST = bindparam("is_burst", type_=Boolean)
_NOW = bindparam("now", type_=UtcDateTime)
_KEY: dict[str, ColumnElement[Any]] = {
    "channel_id": bindparam("channel", type_=RowId),
    "message_platform_id": bindparam("message", type_=Id),
    "emoji_key": bindparam("key", type_=Id),
}

# The markers, as ``pending_reactions`` reads them. ``normal`` and ``burst`` are what a kind was now fetched at; null
# where it was not, and its marker stays as it is.
_stored = reaction_totals.c
_normal = func.coalesce(
    bindparam("normal", type_=Integer), _stored.fetched_count - func.coalesce(_stored.fetched_burst_count, 0)
)
_burst = func.coalesce(bindparam("burst", type_=Integer), _stored.fetched_burst_count)
_both = _normal + func.coalesce(_burst, 0)
# Who was found says nothing of a total that an event has made stale since they were asked for. The first kind of a
# stale total to be marked leaves the total's time as it is, so that the second can tell that, too.
_is_valid = or_(
    _stored.updated_at == bindparam("read_at", type_=UtcDateTime),
    and_(~_stored.is_stale, ~bindparam("was_stale", type_=Boolean)),
)
_is_settled = and_(_stored.is_stale, _is_valid, _normal.is_not(None), _burst.is_not(None))
_is_outdated = bindparam("is_outdated", type_=Boolean)  # there are more than the total says
_MARK = (
    update(reaction_totals)
    .where(*(reaction_totals.c[name] == value for name, value in _KEY.items()))
    .where(_stored.created_at == bindparam("born_at", type_=UtcDateTime))
    .values(
        count=case((_is_settled, _both), else_=_stored["count"]),
        burst_count=case((_is_settled, _burst), else_=_stored.burst_count),
        fetched_count=case((_is_outdated, null()), (_is_valid, _both), else_=_stored.fetched_count),
        fetched_burst_count=case((_is_outdated, null()), (_is_valid, _burst), else_=_stored.fetched_burst_count),
        is_stale=case((_is_settled, false()), (_is_outdated, true()), else_=_stored.is_stale),
        updated_at=case((and_(_stored.is_stale, ~_is_settled), _stored.updated_at), else_=_NOW),
    )
    .returning(reaction_totals.c.emoji, reaction_totals.c["count"], reaction_totals.c.is_stale)
)
_DELETE_TOTAL = delete(reaction_totals).where(*(reaction_totals.c[name] == value for name, value in _KEY.items()))


def _delete_others(dialect: str) -> Delete:
    """Of one kind keep ``users`` (a JSON array of hashes), of the other all, unless it has none by its total."""
    kept = select(json_elements(dialect, "users", Text()))
    return (
        delete(reactions)
        .where(*(reactions.c[name] == value for name, value in _KEY.items()))
        .where(
            or_(
                and_(reactions.c.burst == _BURST, reactions.c.user_hash.not_in(kept)),
                and_(reactions.c.burst != _BURST, bindparam("other_is_empty", type_=Boolean)),
            )
        )
    )


def _add(dialect: str) -> sqlite.Insert:
    """Those of ``users`` that are not there yet; the others only where the emoji has another name by now."""
    user = json_elements(dialect, "users", Text())
    given: dict[str, ColumnElement[Any]] = {
        **_KEY,
        "user_hash": user,
        "burst": _BURST,
        "emoji": bindparam("emoji", type_=Text),
        "created_at": _NOW,
        "updated_at": _NOW,
    }
    # Without a WHERE in between, SQLite would take ON CONFLICT for the ON of a join.
    statement = INSERT[dialect](reactions).from_select(list(given), select(*given.values()).where(user.is_not(None)))
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in reactions.primary_key],
        set_={"emoji": statement.excluded.emoji, "updated_at": statement.excluded.updated_at},
        where=differs([(reactions.c.emoji, statement.excluded.emoji)]),
    )


_DELETE_OTHERS = {dialect: _delete_others(dialect) for dialect in INSERT}
_ADD = {dialect: _add(dialect) for dialect in INSERT}


@finish_before_cancel
async def save_users(
    db: Database, total: PendingTotal, *, burst: bool, user_hashes: Collection[str], job: JobLease, now: datetime
) -> None:
    """Make the users of one kind of an emoji exactly these, and mark it as fetched at the totals in ``total``.

    Users who are there already are not rewritten, those who took theirs back are deleted. Where the other kind has
    nobody by its total, it is saved along with this one. A kind whose total has changed meanwhile stays pending.
    A total that has vanished meanwhile takes its users with it: nothing is written then, be there a new one or not.
    People who are forgotten are left out; the marker counts them, so that the total is not asked for again.

    The count stays what the platform told. Of a stale total it becomes what was found, once both kinds were fetched
    without an event in between; if that is nobody, the total goes. More users than a total says make it stale.

    Args:
        db: the archive.
        total: as ``pending_totals`` told it, and as the users were fetched at.
        burst: which kind.
        user_hashes: everybody of that kind; once or more often, in any order.
        job: the lease of the job that does it.
        now: the time of the rows' change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    values = {
        "channel": total.channel_id,
        "message": total.message_platform_id,
        "key": total.emoji_key,
        "is_burst": burst,
        "other_is_empty": total.total_of(burst=not burst) == 0,
        "now": now,
    }
    found = set(user_hashes)
    async with db.writing() as connection:
        redactor = await redactor_for_channel(connection, total.channel_id)
        values["users"] = dump_json(sorted(user for user in found if not redactor.is_erased(user)))
        await require_lease(connection, job)
        marked = await one_row(connection, _MARK, values | _markers(total, burst, len(found)))
        if marked is None:
            return
        if total.is_stale and not marked["is_stale"] and marked["count"] == 0:
            await connection.execute(_DELETE_TOTAL, values)
            return
        await connection.execute(_DELETE_OTHERS[db.dialect], values)
        await connection.execute(_ADD[db.dialect], values | {"emoji": marked["emoji"]})


def _markers(total: PendingTotal, burst: bool, found: int) -> dict[str, object]:
    """What each kind was now fetched at; nobody of an empty kind is as good as fetched."""
    is_saved = {kind: kind is burst or total.total_of(burst=kind) == 0 for kind in (False, True)}
    normal, bursts = (found, found) if total.is_stale else (total.normal, total.burst_count)
    return {
        "normal": normal if is_saved[False] else None,
        "burst": bursts if is_saved[True] else None,
        "born_at": total.created_at,
        "read_at": total.updated_at,
        "was_stale": total.is_stale,
        "is_outdated": found > total.total_of(burst=burst),
    }
