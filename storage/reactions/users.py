"""Who is behind the reactions: the users of one total, fetched from the platform and stored."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, select, update
from sqlalchemy.types import Boolean, Integer

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import ChannelSkipped
from storage.jobs import JobLease, require_lease
from storage.reactions.pending import PendingTotal
from storage.reactions.rows import UserKey, add_users, prepare_users
from storage.sql import CHANNEL_ID, MESSAGE_PLATFORM_ID, NOW, Id, UtcDateTime, dump_json, json_strings
from storage.tables import channels, reaction_totals, reactions

_KEY: dict[str, ColumnElement[Any]] = {
    "channel_id": CHANNEL_ID,
    "message_platform_id": MESSAGE_PLATFORM_ID,
    "emoji_key": bindparam("key", type_=Id),
    "burst": bindparam("is_burst", type_=Boolean),
}
_stored = reaction_totals.c
_IS_TOTAL = and_(*(_stored[name] == value for name, value in _KEY.items()))
# The time distinguishes the row from a total that was cleared and recreated with the same numbers.
_IS_AS_READ = and_(
    _IS_TOTAL,
    _stored.created_at == bindparam("read_created_at", type_=UtcDateTime),
    _stored["count"] == bindparam("read_count", type_=Integer),
    _stored.fetched_count.is_not_distinct_from(bindparam("read_fetched_count", type_=Integer)),
    _stored.uncounted_events == bindparam("read_events", type_=Integer),
)
# The channel may have been hidden meanwhile, and its reactions be private.
_ARCHIVED = select(channels.c.id).where(channels.c.id == CHANNEL_ID, channels.c.skip_reason.is_(None))
_SETTLE = (
    update(reaction_totals)
    .where(_IS_AS_READ, _ARCHIVED.exists())
    .values(
        count=bindparam("new_count", type_=Integer),
        fetched_count=bindparam("new_fetched_count", type_=Integer),
        uncounted_events=bindparam("new_events", type_=Integer),
        updated_at=NOW,
    )
    .returning(_stored.emoji)
)
_DELETE_TOTAL = delete(reaction_totals).where(_IS_TOTAL)


_DELETE_OTHERS = delete(reactions).where(
    and_(*(reactions.c[name] == value for name, value in _KEY.items())),
    reactions.c.user_hash.not_in(select(json_strings("users"))),
)


@finish_before_cancel
async def save_users(
    db: Database, total: PendingTotal, *, user_hashes: Collection[str], job: JobLease, now: datetime
) -> bool:
    """Make the stored users of a total equal to the fetched ones, and mark it as fetched.

    Existing users are not rewritten; users who removed their reaction are deleted. A total that changed since it was
    read (by an event or a page) is left alone and stays pending. Erased people are left out but counted, so that the
    total is not fetched again.

    The count stays the platform's. An unknown count becomes the number of users, and a total without users is deleted.
    Where there are more users than the count, the list may be incomplete, so the count becomes unknown.

    Args:
        db: the archive.
        total: as ``pending_totals`` gave it before the users were fetched.
        user_hashes: all its users, in any order; duplicates are allowed.
        job: the lease of the job that fetched them.
        now: the time of the rows' change.

    Returns:
        Whether they were stored; False where the total changed since it was read.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
        ChannelSkipped: the channel is no longer archived; nothing was written.
    """
    found = set(user_hashes)
    values = _values(total, len(found), now)
    async with db.writing() as connection:
        prepared = await prepare_users(connection, ((_user(total, user), total.emoji) for user in found))
        await require_lease(connection, job)
        emoji = (await connection.execute(_SETTLE, values)).scalar_one_or_none()
        if emoji is None:
            if (await connection.execute(_ARCHIVED, values)).first() is None:
                raise ChannelSkipped
            return False
        if not values["new_count"]:
            await connection.execute(_DELETE_TOTAL, values)
            return True
        users = dump_json([key[-1] for key in prepared.emoji_of])
        await connection.execute(_DELETE_OTHERS, values | {"users": users})
        await add_users(connection, prepared.shown_as(emoji), now)
    return True


def _user(total: PendingTotal, user_hash: str) -> UserKey:
    return total.channel_id, total.message_platform_id, total.emoji_key, total.burst, user_hash


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
