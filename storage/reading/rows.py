"""Messages out of their rows, with their attachments and reactions loaded for all of them at once."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reading.model import ShownAttachment, ShownMessage, ShownReaction
from storage.sql import AT_ONCE, all_rows, as_keys, fields_of, joined_by_key
from storage.tables import attachments, messages, reaction_totals

MessageKey: TypeAlias = tuple[int, str]
"""``channels.id`` and the platform's id of the message."""

_LOADED = ("attachments", "reactions")  # the fields that other tables hold
_COLUMNS = [name for name in ShownMessage.__dataclass_fields__ if name not in _LOADED]
SHOWN_MESSAGES = select(*(messages.c[name] for name in _COLUMNS))
"""What a ``ShownMessage`` is made of, but for what hangs on it."""

_KEY, _HANGING_KEY = ("channel_id", "platform_id"), ("channel_id", "message_platform_id")
_BY_KEY = SHOWN_MESSAGES.select_from(joined_by_key(messages, _KEY))
# Not ordered: by the order of its key PostgreSQL could read all of the table.
_ATTACHMENTS = select(
    attachments.c.channel_id,
    attachments.c.message_platform_id,
    *(attachments.c[name] for name in ShownAttachment.__dataclass_fields__),
).select_from(joined_by_key(attachments, _HANGING_KEY))
_REACTIONS = (
    select(
        reaction_totals.c.channel_id,
        reaction_totals.c.message_platform_id,
        *(reaction_totals.c[name] for name in ("emoji_key", "emoji", "burst", "count")),
    )
    .select_from(joined_by_key(reaction_totals, _HANGING_KEY))
    .where(reaction_totals.c["count"] > 0)
    .order_by(reaction_totals.c["count"].desc(), reaction_totals.c.emoji_key, reaction_totals.c.burst)
)


@finish_before_cancel
async def messages_by_key(db: Database, keys: Sequence[MessageKey]) -> dict[MessageKey, ShownMessage]:
    """Load messages with what hangs on them; those that are not stored are left out."""
    async with db.asking() as connection:
        return await load_by_key(connection, keys)


async def load_by_key(connection: AsyncConnection, keys: Sequence[MessageKey]) -> dict[MessageKey, ShownMessage]:
    """Load messages, as ``messages_by_key`` does, on a connection of the caller's."""
    rows = await all_rows(connection, _BY_KEY, {"keys": as_keys(_KEY, keys)}) if keys else []
    return {(found.channel_id, found.platform_id): found for found in await load_hanging(connection, rows)}


async def load_hanging(connection: AsyncConnection, rows: Sequence[RowMapping]) -> list[ShownMessage]:
    """Make messages of rows of ``SHOWN_MESSAGES``, in their order, and load what hangs on them."""
    if not rows:
        return []
    keys = {"keys": as_keys(_HANGING_KEY, ((row["channel_id"], row["platform_id"]) for row in rows))}
    files = _grouped(await all_rows(connection, _ATTACHMENTS, keys), ShownAttachment)
    given = _grouped(await all_rows(connection, _REACTIONS, keys), ShownReaction)
    found: list[ShownMessage] = []
    for start in range(0, len(rows), AT_ONCE):
        found += [_message(row, files, given) for row in rows[start : start + AT_ONCE]]
        await asyncio.sleep(0)
    return found


_Hanging: TypeAlias = Mapping[MessageKey, Sequence[Any]]


def _message(row: RowMapping, files: _Hanging, given: _Hanging) -> ShownMessage:
    key = row["channel_id"], row["platform_id"]
    values = {name: row[name] for name in _COLUMNS}
    return ShownMessage(
        **values, attachments=tuple(sorted(files.get(key, ()), key=_file_id)), reactions=tuple(given.get(key, ()))
    )


def _file_id(file: ShownAttachment) -> str:
    return file.platform_id


def _grouped(rows: Sequence[RowMapping], record: type[Any]) -> _Hanging:
    found: defaultdict[MessageKey, list[Any]] = defaultdict(list)
    for row in rows:
        values = fields_of(row, record) if record is ShownAttachment else _reaction(row)
        found[row["channel_id"], row["message_platform_id"]].append(record(**values))
    return found


def _reaction(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in ("emoji_key", "emoji", "burst", "count")}
