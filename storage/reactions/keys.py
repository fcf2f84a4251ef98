"""Totals and users by their keys: found and deleted many at a time, with all keys in one JSON text."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from sqlalchemy import Delete, FromClause, Select, Table, and_, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.sql import dump_json, json_objects, types_of
from storage.tables import reaction_totals, reactions

EmojiKey: TypeAlias = tuple[int, str, str]
"""``channels.id``, the platform's message id, emoji key."""

TotalKey: TypeAlias = tuple[int, str, str, bool]
"""``channels.id``, the platform's message id, emoji key, whether as a burst: the primary key of a total."""

UserKey: TypeAlias = tuple[int, str, str, bool, str]
"""A total's key and the user's hash: the primary key of a reaction."""

MESSAGE = ("channel_id", "message_platform_id")
EMOJI = (*MESSAGE, "emoji_key")
TOTAL = (*EMOJI, "burst")
USER = (*TOTAL, "user_hash")


def found(table: Table, key: tuple[str, ...]) -> FromClause:
    """Join a table with the keys in the parameter ``keys``, as ``as_keys`` makes them."""
    keys = json_objects("keys", **types_of(table, key))
    return keys.join(table, and_(*(table.c[name] == keys.c[name] for name in key)))


def delete_found(table: Table, key: tuple[str, ...]) -> Delete:
    """Build the deletion of the rows with the keys in the parameter ``keys``."""
    keys = json_objects("keys", **types_of(table, key))
    return delete(table).where(tuple_(*(table.c[name] for name in key)).in_(select(keys)))


def as_keys(names: tuple[str, ...], keys: Iterable[tuple[object, ...]]) -> str:
    """Write keys as the JSON array of objects that the statements take."""
    return dump_json([dict(zip(names, key, strict=True)) for key in keys])


def locked_totals() -> Select[tuple[object, ...]]:
    """Build the query of the totals with the keys in ``keys``, locked until the commit.

    In an order, so that no two transactions wait for each other.
    """
    return (
        select(reaction_totals)
        .select_from(found(reaction_totals, TOTAL))
        .order_by(*(reaction_totals.c[name] for name in TOTAL))
        .with_for_update(of=reaction_totals, key_share=True)
    )


_DELETE_TOTALS = delete_found(reaction_totals, TOTAL)
_DELETE_USERS = delete_found(reactions, USER)


async def delete_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> None:
    """Delete totals; their users go by the foreign key."""
    await execute(connection, _DELETE_TOTALS, TOTAL, keys)


async def delete_users(connection: AsyncConnection, keys: Collection[UserKey]) -> None:
    """Delete users who took their reaction back."""
    await execute(connection, _DELETE_USERS, USER, keys)


async def execute(
    connection: AsyncConnection, statement: Delete, names: tuple[str, ...], keys: Collection[tuple[object, ...]]
) -> None:
    """Execute a deletion, where there is anything to delete."""
    if keys:
        await connection.execute(statement, {"keys": as_keys(names, keys)})
