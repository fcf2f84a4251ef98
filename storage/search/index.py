"""The index for searching, as the configuration wants it: made, brought up to date step by step, or dropped."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, Text, bindparam, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import SearchUnavailable
from storage.search import postgres_index, sqlite_index
from storage.sql import NOW, one_row
from storage.tables import messages, search_index

IndexKind: TypeAlias = Literal["words", "trigrams"]
"""By what messages are found: by words, or by any three characters in a row."""

_NAME = "messages"
_STEP = 2_000
"""How many messages a step indexes on SQLite, where they are short: hundredths of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """How far the index is."""

    kind: IndexKind | None  # None: there is no index, because searching is switched off or nothing has made it yet
    is_ready: bool  # whether every message can be found by its words
    percent: int  # how much is indexed


_ROW = select(search_index).where(search_index.c.name == _NAME)


async def index_state(db: Database) -> IndexState:
    """Return how far the index is."""
    async with db.reading() as connection:
        row = await one_row(connection, _ROW)
        if row is None:
            return IndexState(kind=None, is_ready=False, percent=0)
        if row["ready_at"] is not None:
            return IndexState(kind=row["kind"], is_ready=True, percent=100)
        if db.dialect == "postgresql":
            percent = await postgres_index.percent_built(connection)
        else:
            percent = 100 - 100 * row["indexed_from"] // max(row["began_at_id"], 1)
        return IndexState(kind=row["kind"], is_ready=False, percent=min(max(percent, 0), 99))


async def prepare_index(db: Database, kind: IndexKind | None, now: datetime) -> None:
    """Let there be the index of this kind and no other, empty where it is new; None: let there be none.

    Raises:
        SearchUnavailable: the database cannot keep it.
    """
    await (_prepare_sqlite if db.dialect == "sqlite" else _prepare_postgres)(db, kind, now)


async def continue_index(db: Database, now: datetime, *, step: int = _STEP) -> bool:
    """Index some more of what was stored before there was an index, the newest first.

    Args:
        db: the archive.
        now: the time.
        step: on SQLite, how many messages at most; fewer where they are long. On PostgreSQL all are indexed in one go.

    Returns:
        Whether there is more to do. Nothing is lost by breaking it off.

    Raises:
        SearchUnavailable: the database cannot keep the index.
    """
    return await (_continue_sqlite(db, now, step) if db.dialect == "sqlite" else _continue_postgres(db, now))


_START = bindparam("start", type_=BigInteger)
_DELETE = delete(search_index)
_INSERT = insert(search_index).values(
    name=_NAME,
    kind=bindparam("as_kind", type_=Text),
    indexed_from=_START,
    began_at_id=_START,
    ready_at=None,
    created_at=NOW,
    updated_at=NOW,
)
_NEXT_ID = select(func.coalesce(func.max(messages.c.id) + 1, 0))
_MOVE = update(search_index).values(indexed_from=_START, updated_at=NOW)
_READY = update(search_index).where(search_index.c.ready_at.is_(None)).values(ready_at=NOW, updated_at=NOW)
_HAS_FTS5 = text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")


@finish_before_cancel
async def _prepare_sqlite(db: Database, kind: IndexKind | None, now: datetime) -> None:
    async with db.writing() as connection:
        row = await one_row(connection, _ROW)
        if (row["kind"] if row else None) == kind and (kind is None or await sqlite_index.is_whole(connection)):
            return
        await sqlite_index.drop(connection)
        await connection.execute(_DELETE)
        if kind is not None:
            if not (await connection.execute(_HAS_FTS5)).scalar_one():
                raise SearchUnavailable("This SQLite was built without FTS5, which the index for searching needs.")
            start = (await connection.execute(_NEXT_ID)).scalar_one()
            await connection.execute(_INSERT, {"as_kind": kind, "start": start, "now": now})
            await sqlite_index.create(connection, kind)


@finish_before_cancel
async def _continue_sqlite(db: Database, now: datetime, step: int) -> bool:
    async with db.writing() as connection:
        row = await one_row(connection, _ROW)
        if row is None or row["ready_at"] is not None:
            return False
        start = await sqlite_index.add_older(connection, row["indexed_from"], step) if row["indexed_from"] else 0
        await connection.execute(_MOVE, {"start": start, "now": now})
        if not start:
            await connection.execute(_READY, {"now": now})
    return bool(start)


@finish_before_cancel
async def _prepare_postgres(db: Database, kind: IndexKind | None, now: datetime) -> None:
    async with db.reading() as connection:  # of which each statement is a transaction of its own
        for other in postgres_index.NAMES:
            if other != kind and await postgres_index.is_valid(connection, other) is not None:
                await postgres_index.drop(connection, other)
        row = await one_row(connection, _ROW)
        is_there = kind is not None and bool(await postgres_index.is_valid(connection, kind))
    if (row["kind"] if row else None) != kind or (row and row["ready_at"] and not is_there):
        await _begin_postgres(db, kind, now)


async def _begin_postgres(db: Database, kind: IndexKind | None, now: datetime) -> None:
    async with db.writing() as connection:
        await connection.execute(_DELETE)
        if kind is not None:
            await connection.execute(_INSERT, {"as_kind": kind, "start": 0, "now": now})


@finish_before_cancel
async def _continue_postgres(db: Database, now: datetime) -> bool:
    async with db.reading() as connection:
        row = await one_row(connection, _ROW)
        if row is None or row["ready_at"] is not None:
            return False
        if row["kind"] == "trigrams":
            await _require_trigrams(connection)
        if not await postgres_index.build(connection, row["kind"]):
            return True
    async with db.writing() as connection:
        await connection.execute(_READY, {"now": now})
    return False


_TRIGRAMS = text(
    "SELECT installed_version IS NOT NULL OR has_database_privilege(current_database(), 'CREATE') AS may_use"
    " FROM pg_available_extensions WHERE name = 'pg_trgm'"
)


async def _require_trigrams(connection: AsyncConnection) -> None:
    """Refuse where the server does not offer them, or does not let this user add them."""
    row = (await connection.execute(_TRIGRAMS)).one_or_none()
    if row is None:
        raise SearchUnavailable(
            'search.index = "trigrams" needs the extension pg_trgm, which this PostgreSQL server does not offer:'
            " install its contrib package."
        )
    if not row.may_use:
        raise SearchUnavailable(
            'search.index = "trigrams" needs the extension pg_trgm, which this user may not add to the database:'
            " have its owner run CREATE EXTENSION pg_trgm in it once."
        )
