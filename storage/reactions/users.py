"""Who is behind the reactions: the lists of users fetched from the platform, stored many at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ReactionTotalRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.reactions.keys import (
    COUNTS,
    TOTAL_KEY,
    USER_KEY,
    TotalKey,
    UserKey,
    delete_totals,
    delete_users,
    lock_totals,
)
from storage.reactions.pending import PendingTotal
from storage.reactions.rows import PreparedUsers, add_users, prepare_users
from storage.sql import CHANNEL_ID, NOW, RowId, as_keys, dump_json, joined_by_key, json_objects, json_strings, types_of
from storage.tables import channels, reaction_totals, reactions

_AS_READ = (*COUNTS, "created_at")


@dataclass(frozen=True, slots=True, eq=False)
class UserList:
    """All users of one total, as the platform listed them."""

    total: PendingTotal  # as ``pending_totals`` gave it before they were fetched
    user_hashes: frozenset[str]

    @property
    def key(self) -> TotalKey:
        """The total's primary key."""
        total = self.total
        return total.channel_id, total.message_platform_id, total.emoji_key, total.burst

    def users(self) -> Iterator[tuple[UserKey, str]]:
        """Yield the users, with the emoji as it was shown when the total was read."""
        return (((*self.key, user), self.total.emoji) for user in self.user_hashes)

    def is_of(self, stored: RowMapping | None) -> bool:
        """Return whether a total is still as it was read.

        The time distinguishes it from one that was cleared and recreated with the same numbers.
        """
        return stored is not None and all(stored[name] == getattr(self.total, name) for name in _AS_READ)

    def counts(self) -> dict[str, object]:
        """Return the numbers of the total once the list is stored."""
        total, found = self.total, len(self.user_hashes)
        is_complete = found <= total.expected
        count = total.count if total.is_count_known else found
        fetched_count = count if is_complete else None
        return {"count": count, "fetched_count": fetched_count, "uncounted_events": 0 if is_complete else 1}


@dataclass(frozen=True, slots=True)
class UnsavedLists:
    """What was not stored of some lists."""

    changed: list[UserList]  # their totals have changed since they were read, and stay pending
    skipped: set[int]  # channels (``channels.id``) that are no longer archived; nothing of them was stored


_channels = json_objects("channels", id=RowId)
# A channel may have been hidden meanwhile, and its reactions be private.
_ARCHIVED = select(channels.c.id).where(channels.c.id.in_(select(_channels.c.id)), channels.c.skip_reason.is_(None))
_counts = json_objects("counts", **types_of(reaction_totals, (*TOTAL_KEY, *COUNTS)))
_SETTLE = (
    update(reaction_totals)
    .where(*(reaction_totals.c[name] == _counts.c[name] for name in TOTAL_KEY))
    .values({name: _counts.c[name] for name in COUNTS} | {"updated_at": NOW})
)
_STORED = select(*(reactions.c[name] for name in USER_KEY)).select_from(joined_by_key(reactions, TOTAL_KEY))


@finish_before_cancel
async def save_users(db: Database, lists: Sequence[UserList], *, job: JobLease, now: datetime) -> UnsavedLists:
    """Make the stored users of totals equal to the fetched ones, and mark the totals as fetched, in one transaction.

    Existing users are not rewritten; users who removed their reaction are deleted. A total that changed since it was
    read (by an event or a page) is left alone and stays pending. Erased people are left out but counted, so that the
    total is not fetched again.

    The count stays the platform's. An unknown count becomes the number of users, and a total without users is deleted.
    Where there are more users than the count, the list may be incomplete, so the count becomes unknown.

    Args:
        db: the archive.
        lists: one for each total.
        job: the lease of the job that fetched them.
        now: the time of the rows' change.

    Returns:
        What was not stored, because it changed or was hidden meanwhile.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
    """
    async with db.writing() as connection:
        prepared = await prepare_users(connection, (user for one in lists for user in one.users()))
        await require_lease(connection, job)
        archived = await _archived(connection, lists)
        visible = [one for one in lists if one.total.channel_id in archived]
        stored = await lock_totals(connection, [one.key for one in visible])
        settled = {one.key: one for one in visible if one.is_of(stored.get(one.key))}
        await _settle(connection, settled, now)
        kept = {key: stored[key]["emoji"] for key, one in settled.items() if one.counts()["count"]}
        await _replace(connection, prepared.shown_as(kept), kept, now)
    return UnsavedLists(
        changed=[one for one in visible if one.key not in settled],
        skipped={one.total.channel_id for one in lists} - archived,
    )


async def save_users_along(
    connection: AsyncConnection, totals: Mapping[TotalKey, ReactionTotalRecord], now: datetime
) -> None:
    """Make the stored users of totals equal to those that the platform sent along with them.

    In the transaction that stores the totals, which count as fetched. Where fewer were sent than there are, nothing is
    touched: those that are stored may be whole, and a total that is not counted as fetched is asked for. Erased people
    are left out, but counted.
    """
    along = {
        key: total.user_hashes
        for key, total in totals.items()
        if total.user_hashes is not None and len(set(total.user_hashes)) == total.count
    }
    if not along:
        return
    users = (((*key, user), totals[key].emoji) for key, hashes in along.items() for user in hashes)
    prepared = await prepare_users(connection, users)
    stored = await lock_totals(connection, along)
    counts = {
        key: {"count": row["count"], "fetched_count": row["count"], "uncounted_events": 0}
        for key, row in stored.items()
        if row["count"] == len(set(along[key]))
    }
    await _set_counts(connection, counts, now)
    await _replace(connection, prepared.shown_as({key: row["emoji"] for key, row in stored.items()}), stored, now)


_REFETCH = (
    update(reaction_totals)
    .where(reaction_totals.c.channel_id == CHANNEL_ID)
    .where(reaction_totals.c.message_platform_id.in_(select(json_strings("doubted"))))
    .values(fetched_count=null(), updated_at=NOW)
)


async def refetch_users(
    connection: AsyncConnection, channel_id: int, message_ids: Collection[str], now: datetime
) -> None:
    """Have the users of all totals of messages fetched again: their number does not say whether they are the same."""
    if message_ids:
        values = {"channel": channel_id, "doubted": dump_json(sorted(message_ids)), "now": now}
        await connection.execute(_REFETCH, values)


async def _archived(connection: AsyncConnection, lists: Sequence[UserList]) -> set[int]:
    """Find those of the lists' channels that are archived."""
    ids = dump_json([{"id": channel_id} for channel_id in {one.total.channel_id for one in lists}])
    return set((await connection.execute(_ARCHIVED, {"channels": ids})).scalars())


async def _settle(connection: AsyncConnection, settled: Mapping[TotalKey, UserList], now: datetime) -> None:
    """Mark totals as fetched, and delete those that nobody is behind."""
    await _set_counts(connection, {key: one.counts() for key, one in settled.items()}, now)
    await delete_totals(connection, [key for key, one in settled.items() if not one.counts()["count"]])


async def _set_counts(
    connection: AsyncConnection, counts: Mapping[TotalKey, Mapping[str, object]], now: datetime
) -> None:
    rows = [{**dict(zip(TOTAL_KEY, key, strict=True)), **numbers} for key, numbers in counts.items()]
    if rows:
        await connection.execute(_SETTLE, {"counts": dump_json(rows), "now": now})


async def _replace(
    connection: AsyncConnection, users: PreparedUsers, totals: Collection[TotalKey], now: datetime
) -> None:
    """Make the stored users of totals equal to these."""
    if totals:
        rows = await connection.execute(_STORED, {"keys": as_keys(TOTAL_KEY, totals)})
        stored = {(channel, message, emoji, burst, user) for channel, message, emoji, burst, user in rows}
        await delete_users(connection, stored - users.emoji_of.keys())
        await add_users(connection, users, now)
