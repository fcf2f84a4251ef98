"""Moving an archive from SQLite to PostgreSQL: copy, build the indexes, compare, complete.

Each step can be broken off anywhere, and done again: it finds by itself what is there already.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import URL

from storage.connection import archive_name, open_pools, parse_url, require_archive, sqlite_path
from storage.database import Database
from storage.errors import BadDatabaseUrl, SearchUnavailable
from storage.move.comparison import compare
from storage.move.copying import TableCopy
from storage.move.model import Moved, MovedTable, MoveProgress, MoveRefused, Step
from storage.move.selection import copied_tables
from storage.move.source import Source, open_source
from storage.move.target import Target, open_target
from storage.search import IndexKind, continue_index, prepare_index

_COPIED_AT_ONCE = 10_000
_COMPARED_AT_ONCE = 2_000

CHANGED = "The archive was written since the move began, as by a daemon: the move begins anew."
GOES_ON = "The move goes on where it was."
WAITS = "Waiting until the server has ended what an earlier attempt asked of it."
_SEARCH_SECONDS = 0.5


async def move_archive(
    url: str,
    target_url: str,
    *,
    hash_choice: str,
    search: IndexKind | None,
    on_progress: Callable[[MoveProgress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
    batch: int = _COPIED_AT_ONCE,
) -> Moved:
    """Copy an archive from SQLite to PostgreSQL, and compare both; what was broken off goes on.

    Args:
        url: the archive's URL. It is only read, and no daemon can begin to work on it meanwhile.
        target_url: a database that is empty, or that this very archive is being moved to.
        hash_choice: as for ``open_database``.
        search: the index for searching that the target is to have.
        on_progress: is told of each batch.
        on_note: is told that a move goes on, or begins anew.
        batch: how many rows are copied in one transaction.

    Raises:
        BadDatabaseUrl, MoveRefused: the archive cannot be moved, or not to there.
        DatabaseInUse: a daemon works on it.
        RowsDiffer: the copy is not the same.
        StorageError: one of both cannot be used.
    """
    path, server = sqlite_path(parse_url(url)), _server_of(target_url)
    if path is None:
        raise MoveRefused("The archive is on PostgreSQL already; what can be moved is one in a SQLite file.")
    await require_archive(url, hash_choice=hash_choice)
    async with open_source(path) as source, open_target(server) as target:
        await target.take_turn(lambda: on_note(WAITS))
        state = source.state  # from before the first row is read
        goes_on = await target.begin(archive_name(url), state)
        if goes_on is not False:
            on_note(GOES_ON if goes_on else CHANGED)
        work = _Work(source, target, on_progress, batch)
        await work.copy()
        await work.build_indexes()
        search_note = await _index_for_searching(server, search)
        tables = await work.compare()
        _require_unchanged(source, state)
        await target.complete()
    return Moved(
        source=archive_name(url),
        target=archive_name(target_url),
        tables=tables,
        search_note=search_note,
    )


def _server_of(url: str) -> URL:
    try:
        parsed = parse_url(url)
    except BadDatabaseUrl as error:
        raise BadDatabaseUrl(str(error).replace("(database.url)", "of the target")) from None
    if sqlite_path(parsed) is not None:
        raise MoveRefused("An archive is moved to PostgreSQL: postgresql://<user>@<host>/<name>.")
    return parsed


class _Work:
    """The steps of one move, and how far they are."""

    def __init__(self, source: Source, target: Target, on_progress: Callable[[MoveProgress], None], batch: int) -> None:
        self._source, self._target, self._on_progress, self._batch = source, target, on_progress, batch
        self._rows_in_all = 0

    async def copy(self) -> None:
        """Copy every table."""
        tables = copied_tables()
        self._rows_in_all = sum([await self._source.count(table) for table in tables])
        done = sum([await self._target.count(table) for table in tables])
        for table in tables:
            self._tell(Step.COPY, table.name, done)
            copy = TableCopy(self._source, self._target, table, batch=self._batch)
            async for copied in copy.batches():
                done += copied
                self._tell(Step.COPY, table.name, done)

    async def build_indexes(self) -> None:
        """Build what the tables were without while they were copied."""
        built = count()
        async for statement in self._target.restore():
            self._on_progress(MoveProgress(step=Step.INDEX, table=statement, rows=next(built), rows_in_all=0))

    async def compare(self) -> tuple[MovedTable, ...]:
        """Compare every table."""
        done: list[MovedTable] = []
        for table in copied_tables():
            before = sum(each.rows for each in done)
            found, _ = self._target.compared(table)
            async for found in compare(self._source, self._target, table, batch=min(self._batch, _COMPARED_AT_ONCE)):
                self._tell(Step.COMPARE, table.name, before + found.rows)
            done.append(found)
        return tuple(done)

    def _tell(self, step: Step, table: str, rows: int) -> None:
        self._on_progress(MoveProgress(step=step, table=table, rows=rows, rows_in_all=self._rows_in_all))


async def _index_for_searching(url: URL, kind: IndexKind | None) -> str | None:
    """Build the index for searching, as the daemon would at its start. Returns why that cannot be."""
    async with AsyncExitStack() as stack:
        pools = open_pools(url, _now, stack)
        db = Database(pools=pools, path=None, closing=stack.pop_all())
        try:
            await prepare_index(db, kind, _now())
            while await continue_index(db, _now()):  # noqa: ASYNC110 # a session of an earlier attempt builds it
                await asyncio.sleep(_SEARCH_SECONDS)
        except SearchUnavailable as error:
            return str(error)
        finally:
            await db.close()
    return None


def _require_unchanged(source: Source, state: dict[str, int]) -> None:
    if source.state != state:
        raise MoveRefused(
            "The archive was written while it was moved. Stop whatever writes it and run the command again, which "
            "begins anew."
        )


def _now() -> datetime:
    return datetime.now(UTC)
