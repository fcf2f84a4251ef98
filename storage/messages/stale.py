"""What a message told again no longer has: attachments taken out by an edit, emoji that nobody has left on it.

The users behind a vanished emoji go with its total, by the foreign key.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Delete, Table, bindparam, delete, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import MessageRecord
from storage.sql import Id, RowId, dump_json, json_table, types_of
from storage.tables import attachments, messages, reaction_totals

_CHANNEL = bindparam("channel", type_=RowId)
_FIRST, _LAST = bindparam("first", type_=Id), bindparam("last", type_=Id)
_ANY_STORED = select(
    select(literal(1))
    .where(messages.c.channel_id == _CHANNEL)
    .where(
        messages.c.platform_id >= bindparam("first", type_=Id), messages.c.platform_id <= bindparam("last", type_=Id)
    )
    .exists()
)


async def may_be_stored(connection: AsyncConnection, channel_id: int, records: Sequence[MessageRecord]) -> bool:
    """Whether any of these messages may be stored already: one look at the index instead of one for each.

    Compared as text, so that it is right for ids of any form; it says yes too often, never no.
    """
    ids = [message.platform_id for message in records]
    values = {"channel": channel_id, "first": min(ids), "last": max(ids)}
    return bool((await connection.execute(_ANY_STORED, values)).scalar_one())


def _delete_others(dialect: str, table: Table, *part: str) -> Delete:
    """Of the messages ``told`` keep the parts ``kept``, both JSON arrays of their keys."""
    told = json_table(dialect, "told", channel_id=RowId, message_platform_id=Id())
    kept = json_table(dialect, "kept", channel_id=RowId, message_platform_id=Id(), **types_of(table, part))
    message = (table.c.channel_id, table.c.message_platform_id)
    return (
        delete(table)
        .where(tuple_(*message).in_(select(told)))
        .where(tuple_(*message, *(table.c[name] for name in part)).not_in(select(kept)))
    )


_DIALECTS = ("sqlite", "postgresql")
_ATTACHMENTS = {dialect: _delete_others(dialect, attachments, "platform_id") for dialect in _DIALECTS}
_TOTALS = {dialect: _delete_others(dialect, reaction_totals, "emoji_key", "burst") for dialect in _DIALECTS}


async def delete_stale(connection: AsyncConnection, channel_id: int, records: Sequence[MessageRecord]) -> None:
    """Delete the stored parts of these messages that the records do not have."""
    messages = [(channel_id, record) for record in records]
    await delete_stale_attachments(connection, messages)
    totals = [
        {"channel_id": c, "message_platform_id": m.platform_id, "emoji_key": t.emoji_key, "burst": t.burst}
        for c, m in messages
        for t in m.reaction_totals
    ]
    await _keep(connection, _TOTALS, messages, totals)


async def delete_stale_attachments(connection: AsyncConnection, messages: Sequence[tuple[int, MessageRecord]]) -> None:
    """Delete the stored attachments of messages, each with its ``channels.id``, that the records do not have."""
    files = [
        {"channel_id": c, "message_platform_id": m.platform_id, "platform_id": a.platform_id}
        for c, m in messages
        for a in m.attachments
    ]
    await _keep(connection, _ATTACHMENTS, messages, files)


async def _keep(
    connection: AsyncConnection,
    statements: Mapping[str, Delete],
    messages: Sequence[tuple[int, MessageRecord]],
    kept: Sequence[dict[str, object]],
) -> None:
    values = {
        "told": dump_json([{"channel_id": c, "message_platform_id": m.platform_id} for c, m in messages]),
        "kept": dump_json(kept),
    }
    await connection.execute(statements[connection.dialect.name], values)
