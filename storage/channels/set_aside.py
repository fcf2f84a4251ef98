"""Messages that the database cannot hold: recorded in their channel's progress row until they can be stored.

The error that names them has a column of its own. It is copied to ``last_error`` unless the channel has another error,
and replaces that one once the channel is read again.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Text

from adapters.records import JsonValue
from storage.sql import CHANNEL_ID, NOW, JsonObject, RowId, all_rows, insert, json_as_text
from storage.tables import sync_progress

CODE = "message_set_aside"
_NAMED = 50  # at most so many are named in the message; ``message_ids`` has all

_FIND = select(sync_progress.c.channel_id, sync_progress.c.set_aside).where(
    sync_progress.c.channel_id.in_(bindparam("channels", expanding=True, type_=RowId)),
    sync_progress.c.set_aside.is_not(None),
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
    channel_ids = {*written, *(channel_id for channel_id, _ in refused)}
    found = await all_rows(connection, _FIND, {"channels": list(channel_ids)})
    before = {row["channel_id"]: _ids(row["set_aside"]) for row in found}
    for channel_id in sorted({*before, *(channel_id for channel_id, _ in refused)}):
        kinds = {message_id: kind for (channel, message_id), kind in refused.items() if channel == channel_id}
        earlier = [i for i in before.get(channel_id, []) if i not in written.get(channel_id, ()) and i not in kinds]
        named = [*earlier, *kinds]
        if named != before.get(channel_id):
            error = _error(named, sorted(set(kinds.values())), now) if named else None
            await connection.execute(_NOTE, {"channel": channel_id, "error": error, "now": now})


def _ids(error: Mapping[str, JsonValue] | None) -> list[str]:
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
