"""The statements by which reactions are counted along: each takes all rows of a batch as one JSON text."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Delete, FromClause, Table, and_, delete, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.messages import MessageKey
from storage.live.tally import Tally, tally_of
from storage.reactions import UserKey
from storage.sql import NOW, all_rows, dump_json, insert, json_objects, types_of
from storage.tables import reaction_totals, reactions

EmojiKey: TypeAlias = tuple[int, str, str]
TotalKey: TypeAlias = tuple[int, str, str, bool]

_MESSAGE = ("channel_id", "message_platform_id")
_EMOJI = (*_MESSAGE, "emoji_key")
_TOTAL = (*_EMOJI, "burst")
_USER = (*_TOTAL, "user_hash")
_COUNTED = ("count", "fetched_count", "uncounted_events")


def _found(table: Table, key: tuple[str, ...]) -> FromClause:
    """Join a table with the keys in the parameter ``keys``, a JSON array of objects."""
    keys = json_objects("keys", **types_of(table, key))
    return keys.join(table, and_(*(table.c[name] == keys.c[name] for name in key)))


def _delete(table: Table, key: tuple[str, ...]) -> Delete:
    """Build the deletion of the rows with the keys in the parameter ``keys``, a JSON array of objects."""
    keys = json_objects("keys", **types_of(table, key))
    return delete(table).where(tuple_(*(table.c[name] for name in key)).in_(select(keys)))


# The totals stay locked until the commit, in an order, so that nobody saves users of theirs in between.
_FIND_TOTALS = (
    select(reaction_totals)
    .select_from(_found(reaction_totals, _TOTAL))
    .order_by(*(reaction_totals.c[name] for name in _TOTAL))
    .with_for_update(of=reaction_totals, key_share=True)
)
_FIND_USERS = select(*(reactions.c[name] for name in _USER)).select_from(_found(reactions, _USER))
_CLEAR = _delete(reaction_totals, _MESSAGE)
_CLEAR_EMOJI = _delete(reaction_totals, _EMOJI)
_DELETE_TOTALS = _delete(reaction_totals, _TOTAL)
_DELETE_USERS = _delete(reactions, _USER)

_rows = json_objects("rows", **types_of(reaction_totals, (*_TOTAL, "emoji", *_COUNTED)))
_columns = {column.name: column for column in _rows.c} | {"created_at": NOW, "updated_at": NOW}
# Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
_insert = insert(reaction_totals).from_select(list(_columns), select(*_columns.values()).where(true()))
_SAVE_TOTALS = _insert.on_conflict_do_update(
    index_elements=_TOTAL, set_={name: _insert.excluded[name] for name in (*_COUNTED, "updated_at")}
)


async def find_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> dict[TotalKey, Tally]:
    """Read and lock those of the totals that are stored."""
    rows = await all_rows(connection, _FIND_TOTALS, {"keys": _objects(_TOTAL, keys)})
    return {
        (row["channel_id"], row["message_platform_id"], row["emoji_key"], row["burst"]): tally_of(row) for row in rows
    }


async def find_users(connection: AsyncConnection, keys: Collection[UserKey]) -> set[UserKey]:
    """Read which of the users are stored."""
    if not keys:
        return set()
    rows = await connection.execute(_FIND_USERS, {"keys": _objects(_USER, keys)})
    return {(channel, message, emoji, burst, user) for channel, message, emoji, burst, user in rows}


async def clear(connection: AsyncConnection, messages: Collection[MessageKey], emoji: Collection[EmojiKey]) -> None:
    """Delete all totals of messages, and both kinds of single emoji; their users go by the foreign key."""
    await _execute(connection, _CLEAR, _MESSAGE, messages)
    await _execute(connection, _CLEAR_EMOJI, _EMOJI, emoji)


async def delete_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> None:
    """Delete totals; their users go by the foreign key."""
    await _execute(connection, _DELETE_TOTALS, _TOTAL, keys)


async def delete_users(connection: AsyncConnection, keys: Collection[UserKey]) -> None:
    """Delete users who took their reaction back."""
    await _execute(connection, _DELETE_USERS, _USER, keys)


async def save_totals(connection: AsyncConnection, tallies: Mapping[TotalKey, Tally], now: datetime) -> None:
    """Insert totals, or update those that are stored; the emoji stays as it is stored."""
    rows = [dict(zip(_TOTAL, key, strict=True)) | tally.as_values() for key, tally in tallies.items()]
    if rows:
        await connection.execute(_SAVE_TOTALS, {"rows": dump_json(rows), "now": now})


async def _execute(
    connection: AsyncConnection, statement: Delete, names: tuple[str, ...], keys: Collection[tuple[object, ...]]
) -> None:
    if keys:
        await connection.execute(statement, {"keys": _objects(names, keys)})


def _objects(names: tuple[str, ...], keys: Iterable[tuple[object, ...]]) -> str:
    return dump_json([dict(zip(names, key, strict=True)) for key in keys])
