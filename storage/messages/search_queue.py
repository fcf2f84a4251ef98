"""On SQLite: putting a transaction's new messages into the search index, all in one statement.

Triggers on ``messages`` keep the index (storage/search): edits and deletions reach it row by row, but of inserts they
only note the ids. One statement for a thousand new rows costs a fifth of a thousand statements of triggers, because
FTS5 writes what it has gathered at every statement of a row.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import MESSAGE_SEARCH, SEARCH_QUEUE

EPOCH = 1_420_070_400
"""2015-01-01 in seconds since 1970: before it no message of Discord's was sent."""

ID_BITS = 31
LATEST = 2**32 - 1  # seconds since the epoch: in the year 2151
_SECONDS = f"coalesce(CAST(strftime('%s', substr({{row}}.sent_at, 1, 19)) AS INTEGER) - {EPOCH}, 0)"

PLACE = f"((min(max({_SECONDS}, 0), {LATEST}) << {ID_BITS}) | {{row}}.id)"
"""The number by which the index knows a message: its second, and behind it ``messages.id``.

So the index is in the order of sending, and a page of the newest hits is read from its end.
"""

_HAS_INDEX = text("SELECT 1 FROM search_index")
_INDEX = text(
    f"INSERT INTO {MESSAGE_SEARCH} (rowid, content) SELECT {PLACE.format(row='m')} AS place, m.content"  # noqa: S608 # no value
    f" FROM {SEARCH_QUEUE} q JOIN messages m ON m.id = q.message_id ORDER BY place"
)
_EMPTY = text(f"DELETE FROM {SEARCH_QUEUE}")  # noqa: S608 # no value


async def index_new_messages(connection: AsyncConnection) -> None:
    """Index what this transaction inserted. On PostgreSQL, and without an index, there is nothing to do."""
    if connection.dialect.name != "sqlite" or not (await connection.execute(_HAS_INDEX)).first():
        return
    await connection.execute(_INDEX)
    await connection.execute(_EMPTY)
