"""Messages that the database cannot hold: recorded in their channel's progress row until they are stored, or deleted.

The error that names them has a column of its own. It is copied to ``last_error`` unless the channel has another error,
and replaces that one once the channel is read again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Text

from adapters.ids import number
from adapters.records import JsonValue
from storage.sql import (
    CHANNEL_ID,
    NOW,
    Id,
    JsonObject,
    RowId,
    all_rows,
    dump_json,
    insert,
    json_as_text,
    json_objects,
)
from storage.tables import channels, sync_progress

CODE = "message_set_aside"
_NAMED = 50  # at most so many are named in the message; ``message_ids`` has all

# Locked until the commit: storing and marking deletions may run in two processes.
_FIND = (
    select(sync_progress.c.channel_id, sync_progress.c.set_aside)
    .where(
        sync_progress.c.channel_id.in_(bindparam("channels", expanding=True, type_=RowId)),
        sync_progress.c.set_aside.is_not(None),
    )
    .order_by(sync_progress.c.channel_id)
    .with_for_update()
)
_ERROR = bindparam("error", type_=JsonObject)
_row: dict[str, ColumnElement[Any]] = {
    "channel_id": CHANNEL_ID,
    "messages_archived": literal_column("0", BigInteger),
    "state": literal_column("'syncing'", Text),
    "last_error": _ERROR,
    "set_aside": _ERROR,
    "created_at": NOW,
    "updated_at": NOW,
}
_is_the_error = or_(
    sync_progress.c.last_error.is_(None),
    json_as_text(sync_progress.c.last_error) == json_as_text(sync_progress.c.set_aside),
)
_changed: dict[str, ColumnElement[Any]] = {
    "last_error": case((_is_the_error, _ERROR), else_=sync_progress.c.last_error),
    "set_aside": _ERROR,
    "updated_at": NOW,
}
_NOTE = insert(sync_progress).values(_row).on_conflict_do_update(index_elements=["channel_id"], set_=_changed)


async def note_set_aside(
    connection: AsyncConnection,
    written: Mapping[int, Collection[str]],
    refused: Mapping[tuple[int, str], str],
    now: datetime,
) -> None:
    """Add refused messages to their channels' rows, and remove those that are stored by now.

    Args:
        connection: the transaction that stores the others.
        written: the stored messages, by their channels (``channels.id``).
        refused: the messages that cannot be stored, by channel and id, each with the class of the error.
        now: the time of the rows' change.
    """
    if not (channel_ids := {*written, *(channel_id for channel_id, _ in refused)}):
        return
    found = await all_rows(connection, _FIND, {"channels": list(channel_ids)})
    before = {row["channel_id"]: set_aside_ids(row["set_aside"]) for row in found}
    for channel_id in sorted({*before, *(channel_id for channel_id, _ in refused)}):
        kinds = {message_id: kind for (channel, message_id), kind in refused.items() if channel == channel_id}
        earlier = [i for i in before.get(channel_id, []) if i not in written.get(channel_id, ()) and i not in kinds]
        named = [*earlier, *kinds]
        if named != before.get(channel_id):
            error = _error(named, sorted(set(kinds.values())), now) if named else None
            await connection.execute(_NOTE, {"channel": channel_id, "error": error, "now": now})


_ref = json_objects("refs", tenant_id=Id(), platform_id=Id())
_PLACES = (
    select(channels.c.tenant_id, channels.c.platform_id, channels.c.id)
    .select_from(
        _ref.join(
            channels, and_(channels.c.tenant_id == _ref.c.tenant_id, channels.c.platform_id == _ref.c.platform_id)
        ).join(sync_progress, sync_progress.c.channel_id == channels.c.id)
    )
    .where(sync_progress.c.set_aside.is_not(None))
)


async def forget_deleted(connection: AsyncConnection, keys: Iterable[tuple[str, str, str]], now: datetime) -> None:
    """Remove messages that were deleted on the platform from the errors that name what is set aside.

    Args:
        connection: of the transaction.
        keys: the messages, each with our id of its tenant and the platform's of its channel.
        now: the time of the rows' change.
    """
    gone: dict[tuple[str, str], set[str]] = {}
    for tenant_id, channel, message in keys:
        gone.setdefault((tenant_id, channel), set()).add(message)
    if gone:
        refs = dump_json([{"tenant_id": tenant_id, "platform_id": channel} for tenant_id, channel in gone])
        places = (await connection.execute(_PLACES, {"refs": refs})).all()
        deleted = {channel_id: gone[tenant_id, channel] for tenant_id, channel, channel_id in places}
        await note_set_aside(connection, deleted, {}, now)


async def forget_absent(
    connection: AsyncConnection, channel_id: int, shown: Collection[str], *, after: int, until: int, now: datetime
) -> None:
    """Remove from a channel's set-aside error the messages of a completely read range that were not in it.

    Args:
        connection: of the transaction.
        channel_id: ``channels.id``.
        shown: the messages that are in the range, or of which it is not known.
        after: the number behind which the range begins.
        until: that of its last message.
        now: the time of the row's change.
    """
    for row in await all_rows(connection, _FIND, {"channels": [channel_id]}):
        absent = [i for i in set_aside_ids(row["set_aside"]) if after < number(i) <= until and i not in shown]
        await note_set_aside(connection, {channel_id: absent}, {}, now)


def set_aside_ids(error: Mapping[str, JsonValue] | None) -> list[str]:
    """Take the messages' ids out of the error that names them."""
    ids = (error or {}).get("message_ids")
    return [str(message_id) for message_id in ids] if isinstance(ids, list) else []


def _error(message_ids: list[str], kinds: list[str], now: datetime) -> dict[str, JsonValue]:
    why = f" ({', '.join(kinds)})" if kinds else ""
    listed = ", ".join(message_ids[:_NAMED])
    more = f" and {len(message_ids) - _NAMED} more" if len(message_ids) > _NAMED else ""
    named: list[JsonValue] = [*message_ids]
    return {
        "code": CODE,
        "message": f"cannot be stored and was left out{why}: {listed}{more}; everything else is stored",
        "remedy": "please report it, with the log around it; an audit by a version that can store it brings it",
        "at": now.isoformat(),
        "attempts": 1,
        "message_ids": named,
    }
