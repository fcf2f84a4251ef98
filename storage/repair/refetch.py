"""Single messages that are to be read again, because what was told of them was too little or could not be written."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, bindparam, literal_column, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages import number
from storage.sql import INSERT, UtcDateTime, dump_json, json_elements
from storage.tables import channels, messages, refetch_ranges

_LARGEST = 5_000  # messages in one transaction

_NOW = bindparam("now", type_=UtcDateTime)


def _refetch(dialect: str, found: Select[Any], message: ColumnElement[Any], after: ColumnElement[Any]) -> sqlite.Insert:
    given: dict[str, ColumnElement[Any]] = {
        "channel_id": channels.c.id,
        "kind": literal_column("'refetch'", Text),
        "after_platform_id": after,
        "until_platform_id": message,
        "created_at": _NOW,
        "updated_at": _NOW,
    }
    statement = INSERT[dialect](refetch_ranges).from_select(list(given), found.with_only_columns(*given.values()))
    return statement.on_conflict_do_nothing()


def _stored_ones(dialect: str) -> sqlite.Insert:
    """``asked`` is an array of [tenant, channel, message, the id before it], by the platform's ids."""
    asked = json_elements(dialect, "asked", JSON())
    tenant_id, channel_id, message_id, after_platform_id = (asked[n].as_string() for n in range(4))
    found = (
        select(asked)
        .join(channels, (channels.c.tenant_id == tenant_id) & (channels.c.platform_id == channel_id))
        .join(messages, (messages.c.channel_id == channels.c.id) & (messages.c.platform_id == message_id))
        .where(channels.c.skip_reason.is_(None))
    )
    return _refetch(dialect, found, message_id, after_platform_id)


def _of_channels(dialect: str) -> sqlite.Insert:
    """``asked`` is an array of [channels.id, message, the id before it]. Of a purged channel nothing is kept."""
    asked = json_elements(dialect, "asked", JSON())
    found = select(asked).join(channels, channels.c.id == asked[0].as_integer())
    return _refetch(dialect, found, asked[1].as_string(), asked[2].as_string())


_STORED_ONES = {dialect: _stored_ones(dialect) for dialect in INSERT}
_OF_CHANNELS = {dialect: _of_channels(dialect) for dialect in INSERT}


async def refetch(db: Database, keys: Collection[tuple[str, str, str]], now: datetime) -> None:
    """Have messages read again, each once; those that are not stored, or whose channel is skipped, do not matter.

    Args:
        db: the archive.
        keys: the tenant's id (ours), the channel's and the message's (the platform's).
        now: when it was asked for.
    """
    ordered = sorted(keys)
    for start in range(0, len(ordered), _LARGEST):
        await _refetch_at(db, ordered[start : start + _LARGEST], now)


@finish_before_cancel
async def _refetch_at(db: Database, keys: Iterable[tuple[str, str, str]], now: datetime) -> None:
    asked = dump_json([(tenant, channel, message, before(message)) for tenant, channel, message in keys])
    async with db.writing() as connection:
        await connection.execute(_STORED_ONES[db.dialect], {"asked": asked, "now": now})


@finish_before_cancel
async def refetch_in_channel(db: Database, channel_id: int, message_ids: Collection[str], now: datetime) -> None:
    """Have messages of a channel (``channels.id``) read again, whether they are stored already or not."""
    async with db.writing() as connection:
        await add_refetches(connection, [(channel_id, message_id) for message_id in message_ids], now)


async def add_refetches(connection: AsyncConnection, keys: Iterable[tuple[int, str]], now: datetime) -> None:
    """The same of any channels (``channels.id`` and the message), in a transaction of the caller's."""
    asked = [(channel_id, message, before(message)) for channel_id, message in sorted(keys)]
    if asked:
        statement = _OF_CHANNELS[connection.dialect.name]
        await connection.execute(statement, {"asked": dump_json(asked), "now": now})


def before(message_id: str) -> str:
    """The id behind which a message is the first one possible."""
    return str(max(number(message_id) - 1, 0))
