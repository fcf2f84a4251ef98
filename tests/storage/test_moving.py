"""Moving an archive from SQLite to PostgreSQL: all of it, the same, wherever it was broken off."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from storage.changes import number_changes
from storage.connection import inspect_database
from storage.database import migrate, open_database, open_for_reading
from storage.errors import DatabaseInUse, UnfinishedMove
from storage.move import NOT_COPIED, MoveProgress, MoveRefused, Step, copied_tables
from storage.move.selection import key_of
from storage.search import index_state
from storage.sql import Id
from storage.tables import message_changes, messages, metadata
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA
from tests.support.every_table import ROWS, UNSTORABLE
from tests.support.moving import Killed, after, archive_in, files_beside, moved, moved_until, rows_in, schema_of
from tests.support.postgres import Postgres

MANY = 3_000


@pytest.fixture
async def source(tmp_path: Path) -> str:
    """The address of an archive in which no table is empty."""
    return await archive_in(tmp_path)


@pytest.fixture
def target(postgres: Postgres) -> str:
    """The address of an empty database."""
    return postgres.create_database(migrated=False)


def test_every_key_is_sorted_alike_by_both_databases() -> None:
    """And every table is moved, or named as one that is not."""
    assert set(copied_tables()) | set(NOT_COPIED) == set(metadata.sorted_tables)
    texts = {column for table in copied_tables() for column in key_of(table) if column.type.python_type is str}
    assert all(isinstance(column.type, Id) for column in texts), "PostgreSQL sorts other text by a language's rules"


@pytest.mark.slow
async def test_everything_is_moved_and_nothing_is_touched(source: str, target: str, postgres: Postgres) -> None:
    before, seen = files_beside(source), list[MoveProgress]()
    found = await moved(source, target, on_progress=seen.append, batch=2)
    assert files_beside(source) == before
    assert rows_in(target) == rows_in(source)
    assert {table.name: table.rows for table in found.tables} == {n: len(rows) for n, rows in rows_in(source).items()}
    assert all(table.rows >= ROWS for table in found.tables), "each table that is moved was filled"
    assert (sum(table.cleaned for table in found.tables), found.search_note) == (0, None)
    assert list(dict.fromkeys(p.step for p in seen)) == list(Step)
    copied = [p for p in seen if p.step is Step.COPY]
    assert copied[-1].rows == copied[-1].rows_in_all == sum(table.rows for table in found.tables)
    assert schema_of(target) == schema_of(postgres.create_database())
    db = await open_database(target, hash_choice=SHA)
    try:
        assert (await index_state(db)).is_ready
        async with db.writing() as connection:
            row = (await connection.execute(select(messages).order_by(messages.c.id.desc()).limit(1))).one()._asdict()
            values = {name: value for name, value in row.items() if name != "id"} | {"platform_id": "new"}
            next_id = (await connection.execute(insert(messages).values(values).returning(messages.c.id))).scalar_one()
            assert next_id == row["id"] + 1
    finally:
        await db.close()
    with pytest.raises(MoveRefused, match="is not empty"):
        await moved(source, target)


@pytest.mark.slow
async def test_messages_that_no_follower_was_told_of_before_are_told_afterwards(target: str, tmp_path: Path) -> None:
    await moved(await archive_in(tmp_path, are_new=True), target)
    db = await open_database(target, hash_choice=SHA)
    try:
        await number_changes(db, NOW)
        async with db.reading() as connection:
            told = set((await connection.execute(select(message_changes.c.first_message_platform_id))).scalars())
            assert set((await connection.execute(select(messages.c.platform_id))).scalars()) < told
    finally:
        await db.close()


@pytest.mark.slow
@pytest.mark.process
async def test_killed_anywhere_it_goes_on_and_ends_in_the_same_rows(target: str, tmp_path: Path) -> None:
    url = await archive_in(tmp_path, messages_in_all=MANY, unstorable=True)
    furthest = 0
    for killed_at, lines in ((Step.COPY, 12), (Step.INDEX, 5), (Step.COMPARE, 8), (None, 0)):
        said = await moved_until(url, target, killed_at, lines)
        copied = [int(line.split()[1]) for line in said if line.startswith("COPY")]
        assert copied[0] >= furthest
        furthest = copied[-1]
        if killed_at:
            for opened in (open_database, open_for_reading):
                with pytest.raises(UnfinishedMove):
                    await opened(target, hash_choice=SHA)
            with pytest.raises(UnfinishedMove):
                await migrate(target)
            assert (await inspect_database(target)).is_unfinished
    expected = rows_in(url)
    odd = next(row for row in expected["messages"].values() if row["content"] == UNSTORABLE)
    odd |= {"content": "cutoff", "metadata": {"cutoff": ["cutoff"]}}
    assert rows_in(target) == expected
    assert not (await inspect_database(target)).is_unfinished


@pytest.mark.slow
async def test_an_archive_that_was_written_in_between_is_moved_anew(source: str, target: str) -> None:
    for step in (Step.COPY, Step.COMPARE):
        with pytest.raises(Killed):
            await moved(source, target, on_progress=after(20, step), batch=2)
        db = await open_database(source, hash_choice=SHA)
        try:
            with pytest.raises(DatabaseInUse):
                await moved(source, target)
            await save_tenant(db, "discord", replace(GUILD, platform_id=step.name), connected=True, now=NOW)
        finally:
            await db.close()
    with closing(sqlite3.connect(source.removeprefix("sqlite+aiosqlite:///"), check_same_thread=False)) as analyst:

        def write(progress: MoveProgress) -> None:
            if progress.step is Step.COMPARE:
                analyst.execute("UPDATE tenants SET name = name || 'x'")
                analyst.commit()

        with pytest.raises(MoveRefused, match="was written while it was moved"):
            await moved(source, target, on_progress=write)
        notes = list[str]()
        await moved(source, target, on_note=notes.append)  # the newest is in the log, as where a daemon was killed
    assert notes == ["The archive was written since the move began, as by a daemon: the move begins anew."]
    assert rows_in(target) == rows_in(source)
