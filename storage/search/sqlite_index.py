"""The index on SQLite: a table of FTS5 over the messages, kept by triggers in the transaction of each change.

Rows from ``indexed_from`` on are in it, but for those in the queue, which the same transaction indexes at its end
(storage/messages/search_queue.py). That holds for whatever changes a message: FTS5 has to be told exactly what it
indexed when something is taken out of it.
"""

from sqlalchemy import Integer, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.messages import ID_BITS, PLACE
from storage.tables import MESSAGE_SEARCH, SEARCH_QUEUE

_TOKENIZERS = {"words": "unicode61 remove_diacritics 2", "trigrams": "trigram"}
_SOURCE = "message_search_source"
_IS_INDEXED = "{row}.id >= (SELECT indexed_from FROM search_index) AND {row}.id < " + str(
    1 << ID_BITS
)  # null where there is no index
_IS_WAITING = f"EXISTS (SELECT 1 FROM {SEARCH_QUEUE} WHERE message_id = old.id)"
_TAKE_OUT = (
    f"INSERT INTO {MESSAGE_SEARCH} ({MESSAGE_SEARCH}, rowid, content)"
    f" SELECT 'delete', {PLACE.format(row='old')}, old.content WHERE NOT {_IS_WAITING};"
)

_TRIGGERS = {
    "message_search_inserted": (
        f"AFTER INSERT ON messages WHEN {_IS_INDEXED.format(row='new')} BEGIN"
        f" INSERT INTO {SEARCH_QUEUE} (message_id) VALUES (new.id); END"
    ),
    "message_search_deleted": (
        f"AFTER DELETE ON messages WHEN {_IS_INDEXED.format(row='old')} BEGIN {_TAKE_OUT}"
        f" DELETE FROM {SEARCH_QUEUE} WHERE message_id = old.id; END"
    ),
    "message_search_changed": (
        "AFTER UPDATE OF content, sent_at ON messages"
        f" WHEN (old.content IS NOT new.content OR old.sent_at IS NOT new.sent_at) AND {_IS_INDEXED.format(row='old')}"
        f" BEGIN {_TAKE_OUT} INSERT INTO {MESSAGE_SEARCH} (rowid, content)"
        f" SELECT {PLACE.format(row='new')}, new.content WHERE NOT {_IS_WAITING}; END"
    ),
}

_CREATE = (
    f"CREATE VIEW {_SOURCE} AS SELECT {PLACE.format(row='m')} AS place, m.content FROM messages m",
    f"CREATE VIRTUAL TABLE {MESSAGE_SEARCH} USING fts5"
    f" (content, content='{_SOURCE}', content_rowid='place', tokenize='{{tokenizer}}')",
    f"CREATE TABLE {SEARCH_QUEUE} (message_id INTEGER PRIMARY KEY)",
    *(f"CREATE TRIGGER {name} {body}" for name, body in _TRIGGERS.items()),
)
_DROP = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS),
    f"DROP TABLE IF EXISTS {SEARCH_QUEUE}",
    f"DROP TABLE IF EXISTS {MESSAGE_SEARCH}",
    f"DROP VIEW IF EXISTS {_SOURCE}",
)
# A damaged table cannot be dropped; with these two of its own tables as new it can: https://sqlite.org/fts5.html#_fts5_data_table
_MEND = (
    f"DELETE FROM {MESSAGE_SEARCH}_data",
    f"INSERT INTO {MESSAGE_SEARCH}_data VALUES (1, x''), (10, x'00000000000000')",
    f"DELETE FROM {MESSAGE_SEARCH}_config",
    f"INSERT INTO {MESSAGE_SEARCH}_config VALUES ('version', 4)",
)
_MENDABLE = text(
    f"SELECT count(*) FROM sqlite_master WHERE name IN ('{MESSAGE_SEARCH}_data', '{MESSAGE_SEARCH}_config')"
)
_NAMES = ", ".join(f"'{name}'" for name in (MESSAGE_SEARCH, SEARCH_QUEUE, _SOURCE, *_TRIGGERS))
_PARTS = text(f"SELECT count(*) FROM sqlite_master WHERE name IN ({_NAMES})")


async def is_whole(connection: AsyncConnection) -> bool:
    """Find out whether all parts of the index are there."""
    return bool((await connection.execute(_PARTS)).scalar_one() == len(_CREATE))


async def create(connection: AsyncConnection, kind: str) -> None:
    """Create an empty index. Its row in ``search_index`` must be there, and say that nothing is indexed yet."""
    for statement in _CREATE:
        await connection.exec_driver_sql(statement.replace("{tokenizer}", _TOKENIZERS[kind]))


async def drop(connection: AsyncConnection) -> None:
    """Drop what there is of the index, damaged or not."""
    can_be_mended = (await connection.execute(_MENDABLE)).scalar_one() == 2
    for statement in (*(_MEND if can_be_mended else ()), *_DROP):
        await connection.exec_driver_sql(statement)


_FROM = bindparam("start", type_=Integer)
_UNTIL = bindparam("below", type_=Integer)
_MOST_CHARACTERS = 200_000
"""How much text a step indexes, and with it one more message: tenths of a second with trigrams, less with words."""

_START_OF_STEP = text(
    "SELECT min(id) FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) - size AS behind"
    " FROM (SELECT id, length(content) AS size FROM messages WHERE id < :below ORDER BY id DESC LIMIT :limit))"
    f" WHERE behind < {_MOST_CHARACTERS}"
).bindparams(_UNTIL)
_ADD = text(
    f"INSERT INTO {MESSAGE_SEARCH} (rowid, content) SELECT {PLACE.format(row='m')} AS place, m.content"
    f" FROM messages m WHERE m.id >= :start AND m.id < min(:below, {1 << ID_BITS}) ORDER BY place"
).bindparams(_FROM, _UNTIL)


async def add_older(connection: AsyncConnection, below: int, limit: int) -> int:
    """Index up to ``limit`` messages with the highest ids below an id, fewer where they are long.

    Returns:
        From which id on all are indexed now; 0: there are no more.
    """
    start = (await connection.execute(_START_OF_STEP, {"below": below, "limit": limit})).scalar_one()
    if start is None:
        return 0
    await connection.execute(_ADD, {"start": start, "below": below})
    return int(start)
