"""Look up which entries are open, and delete those that were resolved long ago."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, func, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import CHANNEL_ID, LIMIT, TENANT_IDS, UtcDateTime, fields_of, rows_in_slices
from storage.tables import IS_UNRESOLVED, unwritten_events
from storage.unwritten.model import EventKind, OpenEntry

_SLICE = 1_000

_message_id = unwritten_events.c.message_platform_id
_OPEN = (
    select(*(unwritten_events.c[field.name] for field in fields(OpenEntry)))
    .where(unwritten_events.c.channel_id == CHANNEL_ID, IS_UNRESOLVED)
    .order_by(func.length(_message_id), _message_id, unwritten_events.c.id)
)


@finish_before_cancel
async def open_entries(db: Database, channel_id: int) -> list[OpenEntry]:
    """List the open entries of a channel (``channels.id``), in the order of their messages."""
    async with db.reading() as connection:
        slices = rows_in_slices(connection, _OPEN, {"channel": channel_id})
        return [_entry(row) async for rows in slices for row in rows]


def _entry(row: RowMapping) -> OpenEntry:
    return OpenEntry(**fields_of(row, OpenEntry) | {"kind": EventKind(row["kind"])})


_COUNT = select(func.count()).select_from(unwritten_events).where(IS_UNRESOLVED)
_COUNT_OF_EACH = (
    select(unwritten_events.c.tenant_id, func.count().label("open"))
    .where(IS_UNRESOLVED, unwritten_events.c.tenant_id.in_(TENANT_IDS))
    .group_by(unwritten_events.c.tenant_id)
)


@finish_before_cancel
async def count_open_entries(db: Database) -> int:
    """Count the open entries of all tenants."""
    async with db.reading() as connection:
        return int((await connection.execute(_COUNT)).scalar_one())


@finish_before_cancel
async def open_entries_of(db: Database, tenant_ids: Sequence[str]) -> dict[str, int]:
    """Count the open entries of each of some tenants."""
    async with db.reading() as connection:
        rows = (await connection.execute(_COUNT_OF_EACH, {"tenants": list(tenant_ids)})).all()
        return dict.fromkeys(tenant_ids, 0) | {row.tenant_id: row.open for row in rows}


_OLD = (
    select(unwritten_events.c.id)
    .where(unwritten_events.c.resolved_at < bindparam("resolved_before", type_=UtcDateTime))
    .limit(LIMIT)
)
_PRUNE = delete(unwritten_events).where(unwritten_events.c.id.in_(_OLD))


@finish_before_cancel
async def prune_entries(db: Database, *, resolved_before: datetime, limit: int = _SLICE) -> int:
    """Delete up to ``limit`` entries that were resolved before a time; return how many. Open ones stay."""
    async with db.writing() as connection:
        return (await connection.execute(_PRUNE, {"resolved_before": resolved_before, "limit": limit})).rowcount
