"""The statements by which reactions are counted along: each takes all rows of a batch as one JSON text."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Delete, FromClause, Table, and_, bindparam, delete, select, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.tally import Tally, tally_of
from storage.sql import INSERT, UtcDateTime, all_rows, dump_json, json_table, types_of
from storage.tables import reaction_totals, reactions

MessageKey: TypeAlias = tuple[int, str]
EmojiKey: TypeAlias = tuple[int, str, str]
TotalKey: TypeAlias = tuple[int, str, str, bool]
UserKey: TypeAlias = tuple[int, str, str, bool, str]

_MESSAGE = ("channel_id", "message_platform_id")
_EMOJI = (*_MESSAGE, "emoji_key")
_TOTAL = (*_EMOJI, "burst")
_USER = (*_TOTAL, "user_hash")
_COUNTED = ("count", "fetched_count", "uncounted_events")

_NOW = bindparam("now", type_=UtcDateTime)


def _found(dialect: str, table: Table, key: tuple[str, ...]) -> FromClause:
    """``keys`` is an array of objects."""
    told = json_table(dialect, "keys", **types_of(table, key))
    return told.join(table, and_(*(table.c[name] == told.c[name] for name in key)))


def _delete(dialect: str, table: Table, key: tuple[str, ...]) -> Delete:
    """``keys`` is an array of objects."""
    told = json_table(dialect, "keys", **types_of(table, key))
    return delete(table).where(tuple_(*(table.c[name] for name in key)).in_(select(told)))


def _insert(dialect: str, table: Table, columns: tuple[str, ...]) -> sqlite.Insert:
    """``rows`` is an array of objects."""
    told = json_table(dialect, "rows", **types_of(table, columns))
    given: dict[str, ColumnElement[Any]] = {"created_at": _NOW, "updated_at": _NOW}
    given |= {name: told.c[name] for name in columns}
    # Without a WHERE in between, SQLite would take ON CONFLICT for the ON of a join.
    rows = select(*given.values()).where(told.c.channel_id.is_not(None))
    return INSERT[dialect](table).from_select(list(given), rows)


def _save_totals(dialect: str) -> sqlite.Insert:
    """The emoji is as the total has it already."""
    statement = _insert(dialect, reaction_totals, (*_TOTAL, "emoji", *_COUNTED))
    return statement.on_conflict_do_update(
        index_elements=list(_TOTAL), set_={name: statement.excluded[name] for name in (*_COUNTED, "updated_at")}
    )


# The totals stay locked until the commit, in an order, so that nobody saves users of theirs in between.
_FIND_TOTALS = {
    dialect: select(reaction_totals)
    .select_from(_found(dialect, reaction_totals, _TOTAL))
    .order_by(*(reaction_totals.c[name] for name in _TOTAL))
    .with_for_update(of=reaction_totals, key_share=True)
    for dialect in INSERT
}
_FIND_USERS = {
    dialect: select(*(reactions.c[name] for name in _USER)).select_from(_found(dialect, reactions, _USER))
    for dialect in INSERT
}
_CLEAR = {dialect: _delete(dialect, reaction_totals, _MESSAGE) for dialect in INSERT}
_CLEAR_EMOJI = {dialect: _delete(dialect, reaction_totals, _EMOJI) for dialect in INSERT}
_DELETE_TOTALS = {dialect: _delete(dialect, reaction_totals, _TOTAL) for dialect in INSERT}
_DELETE_USERS = {dialect: _delete(dialect, reactions, _USER) for dialect in INSERT}
_SAVE_TOTALS = {dialect: _save_totals(dialect) for dialect in INSERT}
_ADD_USERS = {dialect: _insert(dialect, reactions, (*_USER, "emoji")).on_conflict_do_nothing() for dialect in INSERT}


async def find_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> dict[TotalKey, Tally]:
    """Those that are stored."""
    values = {"keys": _objects(_TOTAL, keys)}
    rows = await all_rows(connection, _FIND_TOTALS[connection.dialect.name], values)
    return {
        (row["channel_id"], row["message_platform_id"], row["emoji_key"], row["burst"]): tally_of(row) for row in rows
    }


async def find_users(connection: AsyncConnection, keys: Collection[UserKey]) -> set[UserKey]:
    """Those that are stored."""
    if not keys:
        return set()
    rows = await connection.execute(_FIND_USERS[connection.dialect.name], {"keys": _objects(_USER, keys)})
    return {(channel, message, emoji, burst, user) for channel, message, emoji, burst, user in rows}


async def clear(connection: AsyncConnection, messages: Collection[MessageKey], emoji: Collection[EmojiKey]) -> None:
    """Delete all totals of messages, and both kinds of single emoji; their users go by the foreign key."""
    if messages:
        await connection.execute(_CLEAR[connection.dialect.name], {"keys": _objects(_MESSAGE, messages)})
    if emoji:
        await connection.execute(_CLEAR_EMOJI[connection.dialect.name], {"keys": _objects(_EMOJI, emoji)})


async def delete_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> None:
    """Their users go by the foreign key."""
    if keys:
        await connection.execute(_DELETE_TOTALS[connection.dialect.name], {"keys": _objects(_TOTAL, keys)})


async def delete_users(connection: AsyncConnection, keys: Collection[UserKey]) -> None:
    """Of totals that are kept."""
    if keys:
        await connection.execute(_DELETE_USERS[connection.dialect.name], {"keys": _objects(_USER, keys)})


async def save_totals(connection: AsyncConnection, tallies: Iterable[tuple[TotalKey, Tally]], now: datetime) -> None:
    """Insert or update, as they are."""
    rows = [dict(zip(_TOTAL, key, strict=True)) | tally.as_values() for key, tally in tallies]
    if rows:
        await connection.execute(_SAVE_TOTALS[connection.dialect.name], {"rows": dump_json(rows), "now": now})


async def add_users(connection: AsyncConnection, users: Sequence[tuple[UserKey, str]], now: datetime) -> None:
    """Users with the emoji as it is shown."""
    rows = [dict(zip(_USER, key, strict=True)) | {"emoji": emoji} for key, emoji in users]
    if rows:
        await connection.execute(_ADD_USERS[connection.dialect.name], {"rows": dump_json(rows), "now": now})


def _objects(names: tuple[str, ...], keys: Iterable[tuple[object, ...]]) -> str:
    return dump_json([dict(zip(names, key, strict=True)) for key in keys])
