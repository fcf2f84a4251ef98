"""Who is behind the reactions: the users of one total, fetched from the platform and stored."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Delete, and_, bindparam, delete, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import Boolean, Integer, Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.privacy import redactor_for_channel
from storage.reactions.pending import PendingTotal
from storage.sql import INSERT, Id, RowId, UtcDateTime, differs, dump_json, json_elements, one_row
from storage.tables import reaction_totals, reactions

_NOW = bindparam("now", type_=UtcDateTime)
_KEY: dict[str, ColumnElement[Any]] = {
    "channel_id": bindparam("channel", type_=RowId),
    "message_platform_id": bindparam("message", type_=Id),
    "emoji_key": bindparam("key", type_=Id),
    "burst": bindparam("is_burst", type_=Boolean),
}
_stored = reaction_totals.c
_IS_TOTAL = and_(*(_stored[name] == value for name, value in _KEY.items()))
_IS_AS_READ = and_(
    _IS_TOTAL,
    _stored.created_at == bindparam("read_created_at", type_=UtcDateTime),
    _stored["count"] == bindparam("read_count", type_=Integer),
    _stored.fetched_count.is_not_distinct_from(bindparam("read_fetched_count", type_=Integer)),
    _stored.uncounted_events == bindparam("read_events", type_=Integer),
)
_SETTLE = (
    update(reaction_totals)
    .where(_IS_AS_READ)
    .values(
        count=bindparam("new_count", type_=Integer),
        fetched_count=bindparam("new_fetched_count", type_=Integer),
        uncounted_events=bindparam("new_events", type_=Integer),
        updated_at=_NOW,
    )
    .returning(_stored.emoji)
)
_DELETE_TOTAL = delete(reaction_totals).where(_IS_TOTAL)


def _delete_others(dialect: str) -> Delete:
    """Keep those of ``users``, a JSON array of hashes."""
    kept = select(json_elements(dialect, "users", Text()))
    is_theirs = and_(*(reactions.c[name] == value for name, value in _KEY.items()))
    return delete(reactions).where(is_theirs, reactions.c.user_hash.not_in(kept))


def _add(dialect: str) -> sqlite.Insert:
    """Add those of ``users`` that are missing; rewrite the others only where the emoji has another name by now."""
    user = json_elements(dialect, "users", Text())
    given: dict[str, ColumnElement[Any]] = {
        **_KEY,
        "user_hash": user,
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
    db: Database, total: PendingTotal, *, user_hashes: Collection[str], job: JobLease, now: datetime
) -> None:
    """Make the users of a total exactly these, and mark it as fetched.

    Users who are there already are not rewritten, those who took theirs back are deleted. A total that is no longer as
    it was read (an event or a page has changed it) is left as it is: it stays pending where it was. Erased people are
    left out; the count has them, so that the total is not fetched again.

    The count stays what the platform said. An unknown one becomes the number of users; where there are none, the total
    goes. More users than the count says make it unknown, because the list was not read to its end.

    Args:
        db: the archive.
        total: as ``pending_totals`` gave it before the users were fetched.
        user_hashes: all its users; once or more often, in any order.
        job: the lease of the job that does it.
        now: the time of the rows' change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    found = set(user_hashes)
    values = _values(total, len(found), now)
    async with db.writing() as connection:
        redactor = await redactor_for_channel(connection, total.channel_id)
        values["users"] = dump_json(sorted(user for user in found if not redactor.is_erased(user)))
        await require_lease(connection, job)
        settled = await one_row(connection, _SETTLE, values)
        if settled is None:
            return
        if not values["new_count"]:
            await connection.execute(_DELETE_TOTAL, values)
            return
        await connection.execute(_DELETE_OTHERS[db.dialect], values)
        await connection.execute(_ADD[db.dialect], values | {"emoji": settled["emoji"]})


def _values(total: PendingTotal, found: int, now: datetime) -> dict[str, object]:
    is_complete = found <= total.expected
    count = total.count if total.is_count_known else found
    return {
        "channel": total.channel_id,
        "message": total.message_platform_id,
        "key": total.emoji_key,
        "is_burst": total.burst,
        "read_created_at": total.created_at,
        "read_count": total.count,
        "read_fetched_count": total.fetched_count,
        "read_events": total.uncounted_events,
        "new_count": count,
        "new_fetched_count": count if is_complete else None,
        "new_events": 0 if is_complete else 1,
        "now": now,
    }
