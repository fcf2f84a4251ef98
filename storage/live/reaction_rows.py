"""The statements by which reactions are counted along: each takes all rows of a batch as one JSON text."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.messages import MessageKey
from storage.live.tally import Tally, tally_of
from storage.reactions import COUNTS, TOTAL_KEY, USER_KEY, EmojiKey, TotalKey, UserKey, lock_totals
from storage.sql import (
    NOW,
    as_keys,
    delete_by_key,
    dump_json,
    insert,
    joined_by_key,
    json_objects,
    types_of,
)
from storage.tables import reaction_totals, reactions

_MESSAGE_KEY, _EMOJI_KEY = TOTAL_KEY[:2], TOTAL_KEY[:3]

_FIND_USERS = select(*(reactions.c[name] for name in USER_KEY)).select_from(joined_by_key(reactions, USER_KEY))
_CLEAR = delete_by_key(reaction_totals, _MESSAGE_KEY)
_CLEAR_EMOJI = delete_by_key(reaction_totals, _EMOJI_KEY)

_rows = json_objects("rows", **types_of(reaction_totals, (*TOTAL_KEY, "emoji", *COUNTS)))
_columns = {column.name: column for column in _rows.c} | {"created_at": NOW, "updated_at": NOW}
# Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
_insert = insert(reaction_totals).from_select(list(_columns), select(*_columns.values()).where(true()))
_SAVE_TOTALS = _insert.on_conflict_do_update(
    index_elements=TOTAL_KEY, set_={name: _insert.excluded[name] for name in (*COUNTS, "updated_at")}
)


async def find_totals(connection: AsyncConnection, keys: Collection[TotalKey]) -> dict[TotalKey, Tally]:
    """Read and lock those of the totals that are stored."""
    return {key: tally_of(row) for key, row in (await lock_totals(connection, keys)).items()}


async def find_users(connection: AsyncConnection, keys: Collection[UserKey]) -> set[UserKey]:
    """Read which of the users are stored."""
    if not keys:
        return set()
    rows = await connection.execute(_FIND_USERS, {"keys": as_keys(USER_KEY, keys)})
    return {(channel, message, emoji, burst, user) for channel, message, emoji, burst, user in rows}


async def clear(connection: AsyncConnection, messages: Collection[MessageKey], emoji: Collection[EmojiKey]) -> None:
    """Delete all totals of messages, and both kinds of single emoji; their users go by the foreign key."""
    if messages:
        await connection.execute(_CLEAR, {"keys": as_keys(_MESSAGE_KEY, messages)})
    if emoji:
        await connection.execute(_CLEAR_EMOJI, {"keys": as_keys(_EMOJI_KEY, emoji)})


async def save_totals(connection: AsyncConnection, tallies: Mapping[TotalKey, Tally], now: datetime) -> None:
    """Insert totals, or update those that are stored; the emoji stays as it is stored."""
    rows = [dict(zip(TOTAL_KEY, key, strict=True)) | tally.as_values() for key, tally in tallies.items()]
    if rows:
        await connection.execute(_SAVE_TOTALS, {"rows": dump_json(rows), "now": now})
