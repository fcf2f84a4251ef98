"""How long searches take with much in the archive, and what the index costs."""

import asyncio
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from storage.database import Database, open_database
from storage.search import (
    Field,
    Filter,
    Has,
    Order,
    SearchQuery,
    Term,
    continue_index,
    prepare_index,
    search,
)
from tests.benchmarks.processes import Rows
from tests.support.builders import NOW, SHA
from tests.support.filling import Size, fill
from tests.support.postgres import Postgres

TENANT = "discord-1"
_CHANNELS, _CHUNK = 100, 250_000
_EMPTY = Size(
    tenants=1, owners=1, channels=_CHANNELS, threads=1, messages=1, totals=1, pending=0, jobs=1, attachments=0
)

# Channel by channel, as a first sync stores them, each over the same three years; one word in ten messages, one in a
# thousand, one in a million, and eight of 60,000 by chance, of which the first ones are frequent.
_ROW = """SELECT 'discord-1', 1 + i * 100 / :many, CAST(2000000 + i AS TEXT), 'author ' || {author}, 'user',
 {words} || CASE WHEN i % 10 = 3 THEN ' everyday' ELSE '' END || CASE WHEN i % 1000 = 7 THEN ' sometimes' ELSE '' END
 || CASE WHEN i % 1000000 = 77 THEN ' unique' ELSE '' END, 'default', {time}, {json}, {now}, {now} FROM n"""
_INSERT = (
    "INSERT INTO messages (tenant_id, channel_id, platform_id, author_hash, author_kind, content, type, sent_at,"
    " metadata, created_at, updated_at) "
)
_SECONDS = "1600000000 + (i % (:many / 100)) * 94608000 / (:many / 100)"
_DIALECTS = {
    "sqlite": {
        "n": "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) ",
        "chance": "abs(random() % 1000) / 1000.0",
        "time": f"strftime('%Y-%m-%d %H:%M:%S', {_SECONDS}, 'unixepoch') || '.000000+00:00'",
        "json": "'{}'",
        "now": "'2026-01-01 00:00:00.000000+00:00'",
    },
    "postgresql": {
        "n": "WITH n(i) AS (SELECT generate_series(CAST(:first AS BIGINT), CAST(:last AS BIGINT))) ",
        "chance": "random()",
        "time": f"to_timestamp({_SECONDS})",
        "json": "CAST('{}' AS JSONB)",
        "now": "now()",
    },
}

_EVERYDAY, _SOMETIMES, _UNIQUE = (Term(text=word) for word in ("everyday", "sometimes", "unique"))
_BUSY = Filter(field=Field.CHANNEL, value="2")
QUERIES: dict[str, tuple[SearchQuery, Order]] = {
    "a word in one of a million": (SearchQuery(terms=(_UNIQUE,)), Order.NEWEST),
    "a word in one of a thousand": (SearchQuery(terms=(_SOMETIMES,)), Order.NEWEST),
    "a word in one of ten": (SearchQuery(terms=(_EVERYDAY,)), Order.NEWEST),
    "the same, the oldest first": (SearchQuery(terms=(_EVERYDAY,)), Order.OLDEST),
    "a word that nobody wrote": (SearchQuery(terms=(Term(text="nowhere"),)), Order.NEWEST),
    "a frequent and a rare word": (SearchQuery(terms=(_EVERYDAY, _SOMETIMES)), Order.NEWEST),
    "a phrase": (SearchQuery(terms=(Term(text="w1 w2"),)), Order.NEWEST),
    "the beginning of a word": (SearchQuery(terms=(Term(text="some", is_prefix=True),)), Order.NEWEST),
    "a word in one of ten, in a channel": (SearchQuery(terms=(_EVERYDAY,), filters=(_BUSY,)), Order.NEWEST),
    "a word in one of ten, by a seldom author": (
        SearchQuery(terms=(_EVERYDAY,), filters=(Filter(field=Field.AUTHOR, value=f"{'author 900':0<64}"),)),
        Order.NEWEST,
    ),
    "by relevance: one of a million": (SearchQuery(terms=(_UNIQUE,)), Order.RELEVANCE),
    "by relevance: one of a thousand": (SearchQuery(terms=(_SOMETIMES,)), Order.RELEVANCE),
    "no word, in a channel": (SearchQuery(filters=(_BUSY,)), Order.NEWEST),
    "what there is not: cut off": (SearchQuery(filters=(Filter(field=Field.HAS, value=Has.POLL),)), Order.NEWEST),
}


def searches(number: int, postgres: Postgres) -> Rows:
    """Milliseconds of each search on both databases with so many messages: the median of five after a first one."""
    with tempfile.TemporaryDirectory() as folder:
        urls = (f"sqlite+aiosqlite:///{Path(folder) / 'archive.db'}", postgres.create_database())
        found = [asyncio.run(measured(url, number)) for url in urls]
    return [(name, *(times[name] for times in found)) for name in found[0]]


async def measured(url: str, number: int) -> dict[str, str]:
    """Fill an archive, index it, and search in it."""
    db = await open_database(url, hash_choice=SHA)
    try:
        await fill(db, _EMPTY)
        filled = await _seconds(_fill(db, number))
        indexed = await _seconds(_index(db))
        times = {"filled, us a message": _micro(filled, number), "indexed, us a message": _micro(indexed, number)}
        for name, (query, order) in QUERIES.items():
            times[name] = await _median(db, query, order)
        return times
    finally:
        await db.close()


def _micro(seconds: float, number: int) -> str:
    return f"{1e6 * seconds / number:.1f}"


async def _fill(db: Database, number: int) -> None:
    words = _DIALECTS[db.dialect]
    chance = words["chance"]
    eight = " || ' ' || ".join(f"'w' || CAST({chance} * {chance} * {chance} * 60000 AS INTEGER)" for _ in range(8))
    row = _ROW.format(words=eight, author=f"CAST({chance} * {chance} * 1000 AS INTEGER)", **words)
    statement = text(f"{_INSERT}{words['n']}{row}")
    for first in range(1, number, _CHUNK):
        async with db.writing() as connection:
            last = min(first + _CHUNK, number) - 1
            if db.dialect == "sqlite":  # only to be done sooner
                await connection.exec_driver_sql("PRAGMA cache_size = -1000000")
            await connection.execute(statement, {"first": first, "last": last, "many": number})
    if db.dialect == "sqlite":
        async with db.writing() as connection:
            await connection.exec_driver_sql("PRAGMA cache_size = -16384")
    else:
        async with db.reading() as connection:
            await connection.exec_driver_sql("VACUUM ANALYZE messages")


async def _index(db: Database) -> None:
    await prepare_index(db, "words", NOW)
    while await continue_index(db, NOW):
        pass


async def _median(db: Database, query: SearchQuery, order: Order) -> str:
    times, found = [], ""
    for _ in range(6):
        began = time.monotonic()
        page = await search(db, TENANT, query, order=order)
        times.append((time.monotonic() - began) * 1000)
        found = f"{len(page.hits)}{' cut off' if page.is_cut else ''}{'' if page.order is order else ' by time'}"
    return f"{sorted(times[1:])[2]:,.0f} (first {times[0]:,.0f}; {found})"


async def _seconds(work: object) -> float:
    began = time.monotonic()
    await work  # type: ignore[misc]
    return time.monotonic() - began
