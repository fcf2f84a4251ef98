"""The PostgreSQL database that an archive is moved to: marked as unfinished from the first step to the last."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    MetaData,
    NullPool,
    Table,
    exists,
    func,
    inspect,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.changes import queue_new_messages
from storage.connection import UNFINISHED_MOVE, check_server, check_sessions, is_unfinished, postgres, translated
from storage.move.definitions import missing, switch_triggers, take_off
from storage.move.model import MovedTable, MoveRefused
from storage.move.selection import Key, copied_tables, key_of_json, last_key, rows_after
from storage.tables import metadata

_mark = Table(
    UNFINISHED_MOVE,
    MetaData(),
    Column("state", JSONB, nullable=False),  # what is moved, and what makes again what the tables are without
    Column("compared", JSONB, nullable=False),  # how many rows of each table were found equal, up to which key
)
# Any number that nothing else on this database uses: "PlatMove". The session of a move that was killed holds it until
# the server has done what that had asked for.
_TAKE_TURN = text(f"SELECT pg_try_advisory_lock({0x506C6174_4D6F7665})")
_TURN_SECONDS = 0.2
# Building an index of a large archive takes longer than what roles are allowed elsewhere.
_TAKE_TIME = text("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)")
# What is compared is compared again after a crash of the server; waiting for the disk each time would take longer.
_HURRY = text("SET LOCAL synchronous_commit = off")


class Target:
    """A database that an archive is being moved to."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._state: dict[str, Any] = {}
        self._compared: dict[str, Any] = {}

    async def take_turn(self, on_wait: Callable[[], None]) -> None:
        """Wait until no other session works on a move to this database; ``on_wait`` is told where there is one."""
        is_told = False
        while True:
            async with self.writing() as connection:
                await connection.execute(_TAKE_TIME)
                if (await connection.execute(_TAKE_TURN)).scalar_one():
                    return
            if not is_told:
                on_wait()
            is_told = True
            await asyncio.sleep(_TURN_SECONDS)

    async def begin(self, source: str, state: Mapping[str, int]) -> bool | None:
        """Begin a move, or go on with the one that was begun.

        Args:
            source: the name of the archive that is moved.
            state: what is another once that archive was written.

        Returns:
            Whether this goes on; None: the archive was changed since, and the move begins anew.

        Raises:
            MoveRefused: the database is in use for something else.
        """
        async with self.writing() as connection:
            await check_server(connection)
            is_begun = await connection.run_sync(is_unfinished)
            if is_begun:
                self._state, self._compared = (await connection.execute(select(_mark))).one()
                if self._state["source"] != source:
                    raise MoveRefused(
                        f"An archive is being moved to this database already: {self._state['source']}. Complete that "
                        "move, or give another database."
                    )
                if self._state["source_state"] == state:
                    return True
            else:
                await connection.run_sync(_require_empty)
            await self._begin_anew(connection, source, state, is_begun=is_begun)
        return None if is_begun else False

    async def _begin_anew(
        self, connection: AsyncConnection, source: str, state: Mapping[str, int], *, is_begun: bool
    ) -> None:
        from storage.migrations import upgrade  # half a second, and every verb of the command line imports this module

        there = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        quote = connection.dialect.identifier_preparer.format_table
        if is_begun:
            emptied = ", ".join(quote(table) for table in metadata.sorted_tables if table.name in there)
            await connection.exec_driver_sql(f"TRUNCATE {emptied}")
        await connection.run_sync(upgrade)
        definitions = {**self._state.get("definitions", {}), **await take_off(connection)}
        self._state = {"source": source, "source_state": dict(state), "definitions": definitions}
        self._compared = {}
        if is_begun:
            await connection.execute(_mark.delete())
        else:
            await connection.run_sync(_mark.create)
        await connection.execute(_mark.insert(), {"state": self._state, "compared": {}})

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Run one transaction: committed at the end, rolled back on any error."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    async def last_key(self, table: Table) -> Key | None:
        """Return the key of the last row that was copied; None: there is none."""
        async with self.writing() as connection:
            row = (await connection.execute(last_key(table))).one_or_none()
        return tuple(row) if row is not None else None

    async def rows(self, table: Table, after: Key | None, limit: int) -> list[tuple[Any, ...]]:
        """Return the next rows as the program sees them."""
        async with self.writing() as connection:
            return [tuple(row) for row in await connection.execute(rows_after(table, after, limit))]

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        async with self.writing() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())

    def compared(self, table: Table) -> tuple[MovedTable, Key | None]:
        """Return how many rows of a table were found equal, and the key of the last of them."""
        found = self._compared.get(str(table.name), {"rows": 0, "cleaned": 0, "last": None})
        last = key_of_json(table, found["last"]) if found["last"] is not None else None
        return MovedTable(name=table.name, rows=found["rows"], cleaned=found["cleaned"]), last

    async def note_compared(self, table: Table, found: MovedTable, last: Key) -> None:
        """Note that so many rows of a table, up to this one, were found equal."""
        self._compared[str(table.name)] = {"rows": found.rows, "cleaned": found.cleaned, "last": list(last)}
        async with self.writing() as connection:
            await connection.execute(_HURRY)
            await connection.execute(update(_mark).values(compared=self._compared))

    async def restore(self) -> AsyncIterator[str]:
        """Build what the tables were without, bit by bit; yields the statement of each before it is built."""
        async with self.writing() as connection:
            statements = await missing(connection, self._state["definitions"])
        analyses = [f'ANALYZE "{table.name}"' for table in copied_tables()]
        for statement in (*statements, *analyses):
            yield statement
            async with self.writing() as connection:
                await _build(connection, statement)

    async def complete(self) -> None:
        """Let new rows get ids of their own, the triggers work, followers go on, and the database be used."""
        async with self.writing() as connection:
            for table in copied_tables():
                for column in table.columns:
                    if column.identity is not None:
                        await connection.execute(_next_id(column))
            await queue_new_messages(connection)  # which SQLite finds by their ids, and PostgreSQL by its queue alone
            await switch_triggers(connection, "ENABLE")
            await connection.run_sync(_mark.drop)


@asynccontextmanager
async def open_target(url: URL) -> AsyncIterator[Target]:
    """Open the database for as long as the block takes.

    Raises:
        StorageError: it cannot be used.
    """
    pair = postgres(url, poolclass=NullPool)
    engine = postgres(url, pool_size=1, max_overflow=0)  # one session: it holds the lock, and does all
    try:
        await check_sessions(pair)
        yield Target(engine)
    finally:
        await pair.dispose()
        await engine.dispose()


async def _build(connection: AsyncConnection, statement: str) -> None:
    try:
        await connection.exec_driver_sql(statement)
    except IntegrityError as error:
        found: Any = getattr(error.orig, "diag", None)
        raise MoveRefused(
            f"Rows of {found.table_name} refer to others that are not there: {found.constraint_name}. In sqlite3, "
            "PRAGMA foreign_key_check lists them; they were deleted or changed by hand."
        ) from None


def _require_empty(connection: Connection) -> None:
    from storage.migrations import current_revision

    there = set(inspect(connection).get_table_names())
    ours = [table for table in metadata.sorted_tables if table.name in there]
    if ours and current_revision(connection) is None:
        raise MoveRefused(f"The database has a table {ours[0].name} of another program. Create one for the archive.")
    for table in ours:
        if connection.execute(select(exists().select_from(table))).scalar_one():
            raise MoveRefused(
                "The database is not empty: it holds an archive. If that is this one, moved and found equal, set "
                "database.url to it; if not, give an empty database."
            )


def _next_id(column: Column[Any]) -> Any:
    """Let the next id be the one behind the highest."""
    sequence = func.pg_get_serial_sequence(literal(f'"{column.table.name}"'), literal(column.name))
    return select(func.setval(sequence, func.coalesce(func.max(column), 1), func.max(column).is_not(None)))
