"""The index on PostgreSQL: GIN over an expression of the content, which the server keeps by itself.

On a filled archive it is built beside all else (CONCURRENTLY), which cannot be part of a migration. A build that was
broken off leaves an invalid index; it is dropped and built again.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK_KEY = 0x506C6174_53726368  # any number that nothing else on this database uses: "PlatSrch"

# What the server's parser would take for parts of addresses, paths, numbers and tags: a word is a word wherever it is.
PUNCTUATION = "./:-@~+&;<>"
_LONGEST = 100_000  # characters; a text of more than a mebibyte of words would be refused

WORDS = (
    f"to_tsvector('simple'::regconfig, translate(left(content, {_LONGEST}), '{PUNCTUATION}',"
    f" '{' ' * len(PUNCTUATION)}'))"
)
"""The words of ``messages.content``, as they are indexed."""


NAMES = {"words": "ix_messages_words", "trigrams": "ix_messages_trigrams"}
_EXPRESSIONS = {"words": WORDS, "trigrams": "content gin_trgm_ops"}
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
_FEW = 10_000

_TRY_LOCK = text(f"SELECT pg_try_advisory_lock({_LOCK_KEY})")
_UNLOCK = text(f"SELECT pg_advisory_unlock({_LOCK_KEY})")
_ARE_FEW = text(f"SELECT count(*) < {_FEW} FROM (SELECT 1 FROM messages LIMIT {_FEW}) AS few")
_IS_VALID = text(
    "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relname = :name AND i.indrelid = 'messages'::regclass"
)
_PROGRESS = text(
    "SELECT 100.0 * blocks_done / nullif(blocks_total, 0) FROM pg_stat_progress_create_index"
    " WHERE relid = 'messages'::regclass LIMIT 1"
)


async def is_valid(connection: AsyncConnection, kind: str) -> bool | None:
    """Find out whether the index of a kind can be used; None where there is none."""
    return (await connection.execute(_IS_VALID, {"name": NAMES[kind]})).scalar_one_or_none()


async def percent_built(connection: AsyncConnection) -> int:
    """Return how much of an index on messages is built, in percent."""
    found = (await connection.execute(_PROGRESS)).scalar_one_or_none()
    return int(found or 0)


async def build(connection: AsyncConnection, kind: str) -> bool:
    """Build the index of a kind. Of several processes one does it; the others are answered at once.

    Args:
        connection: of which each statement is a transaction of its own.
        kind: ``words`` or ``trigrams``.

    Returns:
        Whether it is there now.
    """
    if not (await connection.execute(_TRY_LOCK)).scalar_one():
        return False
    try:
        found = await is_valid(connection, kind)
        if found is False:
            await connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {NAMES[kind]}")
        if not found:
            await _create(connection, kind)
    finally:
        await connection.execute(_UNLOCK)
    return True


async def _create(connection: AsyncConnection, kind: str) -> None:
    if kind == "trigrams":
        await connection.exec_driver_sql(_EXTENSION)
    # Of few messages it takes milliseconds, in which nobody waits; CONCURRENTLY waits for every transaction.
    beside = "" if (await connection.execute(_ARE_FEW)).scalar_one() else "CONCURRENTLY"
    await connection.exec_driver_sql(
        f"CREATE INDEX {beside} IF NOT EXISTS {NAMES[kind]} ON messages USING gin ({_EXPRESSIONS[kind]})"
    )
    await connection.exec_driver_sql("ANALYZE messages")


async def drop(connection: AsyncConnection, kind: str) -> None:
    """Drop the index of a kind, if there is one."""
    await connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {NAMES[kind]}")
