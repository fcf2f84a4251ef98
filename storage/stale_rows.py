"""What a message told again no longer has: attachments taken out by an edit, emoji that nobody has left on it.

The users behind a vanished emoji go with its total, by the foreign key.
"""

from collections.abc import Sequence

from sqlalchemy import JSON, ColumnElement, Delete, Table, bindparam, column, delete, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import MessageRecord
from storage.bulk import json_parameter
from storage.json_text import dump_json
from storage.tables import attachments, messages, reaction_totals
from storage.types import Id, RowId

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


def _delete_others(dialect: str, table: Table, part: str) -> Delete:
    """Of the messages ``told`` (a JSON array of ids) keep the parts ``kept`` (one of [message id, part id])."""
    told, kept = _elements(dialect, "told", Text()), _elements(dialect, "kept", JSON())
    pairs = select(kept[0].as_string(), kept[1].as_string())
    return (
        delete(table)
        .where(table.c.channel_id == _CHANNEL)
        .where(table.c.message_id.in_(select(told)))
        .where(tuple_(table.c.message_id, table.c[part]).not_in(pairs))
    )


def _elements(dialect: str, parameter: str, of_type: Text | JSON) -> ColumnElement[str]:
    """The elements of a JSON array, one a row."""
    if dialect == "sqlite":
        rows = func.json_each(bindparam(parameter, type_=Text))
    else:
        suffix = "_text" if isinstance(of_type, Text) else ""
        rows = getattr(func, f"json_array_elements{suffix}")(json_parameter(parameter))
    return rows.table_valued(column("value", of_type), name=parameter).c.value


_DIALECTS = ("sqlite", "postgresql")
_ATTACHMENTS = {dialect: _delete_others(dialect, attachments, "platform_id") for dialect in _DIALECTS}
_TOTALS = {dialect: _delete_others(dialect, reaction_totals, "emoji_key") for dialect in _DIALECTS}


async def delete_stale(connection: AsyncConnection, channel_id: int, records: Sequence[MessageRecord]) -> None:
    """Delete the stored parts of these messages that the records do not have."""
    told = dump_json([message.platform_id for message in records])
    files = [(m.platform_id, a.platform_id) for m in records for a in m.attachments]
    totals = [(m.platform_id, t.emoji_key) for m in records for t in m.reaction_totals]
    dialect = connection.dialect.name
    for statement, kept in ((_ATTACHMENTS[dialect], files), (_TOTALS[dialect], totals)):
        await connection.execute(statement, {"channel": channel_id, "told": told, "kept": dump_json(kept)})
