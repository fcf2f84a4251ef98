"""Totals and users by their keys: locked and deleted many at a time."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.sql import all_rows, as_keys, delete_by_key, joined_by_key
from storage.tables import reaction_totals, reactions

EmojiKey: TypeAlias = tuple[int, str, str]
"""``channels.id``, the platform's message id, emoji key."""

TotalKey: TypeAlias = tuple[int, str, str, bool]
"""``channels.id``, the platform's message id, emoji key, whether as a burst: the primary key of a total."""

UserKey: TypeAlias = tuple[int, str, str, bool, str]
"""A total's key and the user's hash: the primary key of a reaction."""

TOTAL_KEY = ("channel_id", "message_platform_id", "emoji_key", "burst")
USER_KEY = (*TOTAL_KEY, "user_hash")
COUNTS = ("count", "fetched_count", "uncounted_events")
"""The numbers of a total."""


_LOCK_TOTALS = (
    select(reaction_totals)
    .select_from(joined_by_key(reaction_totals, TOTAL_KEY))
    .order_by(*(reaction_totals.c[name] for name in TOTAL_KEY))
    .with_for_update(of=reaction_totals, key_share=True)
)
_DELETE_TOTALS = delete_by_key(reaction_totals, TOTAL_KEY)
_DELETE_USERS = delete_by_key(reactions, USER_KEY)


async def lock_totals(connection: AsyncConnection, keys: Iterable[TotalKey]) -> dict[TotalKey, RowMapping]:
    """Read those of the totals that are stored, and lock them until the commit.

    In an order, so that no two transactions wait for each other.
    """
    rows = await all_rows(connection, _LOCK_TOTALS, {"keys": as_keys(TOTAL_KEY, keys)})
    return {(row["channel_id"], row["message_platform_id"], row["emoji_key"], row["burst"]): row for row in rows}


async def delete_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> None:
    """Delete totals; their users go by the foreign key."""
    if keys:
        await connection.execute(_DELETE_TOTALS, {"keys": as_keys(TOTAL_KEY, keys)})


async def delete_users(connection: AsyncConnection, keys: Collection[UserKey]) -> None:
    """Delete users who took their reaction back."""
    if keys:
        await connection.execute(_DELETE_USERS, {"keys": as_keys(USER_KEY, keys)})
