"""Note events that could not be written, in one transaction with the mark that has their messages read again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Text

from adapters.ids import number
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages import add_refetches
from storage.sql import NOW, Id, RowId, dump_json, insert, json_objects
from storage.tables import IS_UNRESOLVED, channels, messages, tenants, unwritten_events
from storage.unwritten.model import EventKind, UnwrittenEvent

_CHUNK = 2_000
"""How many events a transaction takes."""

_given = json_objects("events", n=Integer(), tenant_id=Id(), channel=Id(), message=Id(), kind=Text())
_is_stored = (
    select(messages.c.id)
    .where(messages.c.channel_id == channels.c.id, messages.c.platform_id == _given.c.message)
    .exists()
)
# An event of which nothing but the message is known matters to a stored message only: the sync reads every other one.
_OF_ARCHIVED = (
    select(_given.c.n, channels.c.id)
    .select_from(
        _given.join(
            channels, and_(channels.c.tenant_id == _given.c.tenant_id, channels.c.platform_id == _given.c.channel)
        ).join(tenants, tenants.c.id == channels.c.tenant_id)
    )
    .where(channels.c.skip_reason.is_(None), tenants.c.stopped_at.is_(None), tenants.c.purged_at.is_(None))
    .where(or_(_given.c.kind != EventKind.UNKNOWN.value, _is_stored))
)

_texts = dict.fromkeys(("kind", "code", "reason"), Text())
_entries = json_objects("entries", tenant_id=Id(), channel_id=RowId, message_platform_id=Id(), **_texts)
_values: dict[str, ColumnElement[Any]] = {
    **{column.name: column for column in _entries.c},
    "tries": literal_column("1", Integer),
    **dict.fromkeys(("first_at", "last_at", "created_at", "updated_at"), NOW),
}
# Without a WHERE, SQLite would take ON CONFLICT for the ON of a join.
_add = insert(unwritten_events).from_select(list(_values), select(*_values.values()).where(true()))
_ADD = _add.on_conflict_do_update(
    index_elements=["channel_id", "message_platform_id", "kind"],
    index_where=IS_UNRESOLVED,
    set_={
        **{name: _add.excluded[name] for name in ("code", "reason", "last_at", "updated_at")},
        "tries": unwritten_events.c.tries + 1,
    },
)


async def note_unwritten(db: Database, events: Sequence[UnwrittenEvent], now: datetime) -> None:
    """Note events that could not be written, and have their messages read again by the next sync.

    Nothing is noted of channels that are not archived and of stopped tenants. An event of a kind that is open already
    is another try of that one.
    """
    for start in range(0, len(events), _CHUNK):
        await _note_chunk(db, events[start : start + _CHUNK], now)


@finish_before_cancel
async def _note_chunk(db: Database, events: Sequence[UnwrittenEvent], now: datetime) -> None:
    async with db.writing() as connection:
        await add_unwritten(connection, events, now)


async def add_unwritten(connection: AsyncConnection, events: Sequence[UnwrittenEvent], now: datetime) -> None:
    """Note events like ``note_unwritten``, in a transaction of the caller's."""
    if not events:
        return
    found = await connection.execute(_OF_ARCHIVED, {"events": _as_given(events)})
    places: dict[int, int] = {row[0]: row[1] for row in found}
    noted = [(places[n], event) for n, event in enumerate(events) if n in places]
    if not noted:
        return
    # Ranges before entries, as in the transaction that reads a range, or the two would wait for each other.
    await add_refetches(connection, {event.ref for _, event in noted}, now)
    noted.sort(key=lambda entry: (entry[0], number(entry[1].message_platform_id), entry[1].kind))
    await connection.execute(_ADD, {"entries": _as_entries(noted), "now": now})


def _as_given(events: Sequence[UnwrittenEvent]) -> str:
    names = ("n", "tenant_id", "channel", "message", "kind")
    return dump_json([dict(zip(names, (n, *event.ref, event.kind), strict=True)) for n, event in enumerate(events)])


def _as_entries(noted: Collection[tuple[int, UnwrittenEvent]]) -> str:
    """Write the rows as JSON; of one message and kind the last event counts."""
    rows = {
        (channel_id, event.message_platform_id, event.kind): {
            "tenant_id": event.tenant_id,
            "channel_id": channel_id,
            "message_platform_id": event.message_platform_id,
            "kind": event.kind,
            "code": event.reason.code,
            "reason": event.reason.sentence,
        }
        for channel_id, event in noted
    }
    return dump_json(list(rows.values()))
