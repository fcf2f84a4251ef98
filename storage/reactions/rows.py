"""Reaction users that may be stored, and the one function that stores them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.privacy import absent_givers
from storage.reactions.keys import USER_KEY, TotalKey, UserKey
from storage.sql import NOW, dump_json, insert, json_objects, types_of, update_changed
from storage.tables import reactions

_SEAL = object()


@dataclass(frozen=True, slots=True)
class PreparedUsers:
    """Users with the emoji as it is shown, without absent people. Only ``prepare_users`` makes them."""

    emoji_of: dict[UserKey, str]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("users are prepared for being stored by prepare_users() alone")

    def shown_as(self, emoji_of: Mapping[TotalKey, str]) -> "PreparedUsers":
        """Return the users behind these totals, with these names of the emoji."""
        known = {key: emoji_of[key[:4]] for key in self.emoji_of if key[:4] in emoji_of}
        return PreparedUsers(known, _SEAL)

    def only(self, keys: Collection[UserKey]) -> "PreparedUsers":
        """Return the users with these keys."""
        return PreparedUsers({key: emoji for key, emoji in self.emoji_of.items() if key in keys}, _SEAL)


async def prepare_users(connection: AsyncConnection, incoming: Iterable[tuple[UserKey, str]]) -> PreparedUsers:
    """Prepare users for being stored in the transaction of ``connection``, each with the emoji as it is shown."""
    emoji_of = dict(incoming)
    absent = await absent_givers(connection, {(key[0], key[1], key[-1]) for key in emoji_of})
    if absent:
        emoji_of = {key: emoji for key, emoji in emoji_of.items() if (key[0], key[1], key[-1]) not in absent}
    return PreparedUsers(emoji_of, _SEAL)


_rows = json_objects("rows", **types_of(reactions, (*USER_KEY, "emoji")))
_columns = {name: _rows.c[name] for name in (*USER_KEY, "emoji")} | {"created_at": NOW, "updated_at": NOW}
_ADD = update_changed(
    # Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
    insert(reactions).from_select(list(_columns), select(*_columns.values()).where(true())),
    USER_KEY,
    ["emoji"],
)


async def add_users(connection: AsyncConnection, prepared: PreparedUsers, now: datetime) -> None:
    """Store those users who are missing; rewrite the others only where the emoji has another name by now."""
    rows = [dict(zip((*USER_KEY, "emoji"), (*key, emoji), strict=True)) for key, emoji in prepared.emoji_of.items()]
    if rows:
        await connection.execute(_ADD, {"rows": dump_json(rows), "now": now})
