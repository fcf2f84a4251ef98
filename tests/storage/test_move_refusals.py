"""What cannot be moved, and what becomes of a move that fails."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.database import open_database
from storage.errors import (
    DatabaseReadOnly,
    DatabaseUnreachable,
    DatabaseUnsuitable,
    HashChoiceMismatch,
    NoArchive,
    UnfinishedMove,
)
from storage.move import MoveProgress, MoveRefused, RowsDiffer, Step, move_archive
from tests.support.builders import SHA
from tests.support.moving import Killed, after, archive_in, moved, rows_in
from tests.support.postgres import Postgres
from tests.support.process import sqlite_url


@pytest.fixture
async def source(tmp_path: Path) -> str:
    """The address of an archive in which no table is empty."""
    return await archive_in(tmp_path)


@pytest.fixture
def target(postgres: Postgres) -> str:
    """The address of an empty database."""
    return postgres.create_database(migrated=False)


@pytest.mark.slow
async def test_a_row_that_differs_is_named_and_the_target_stays_unfinished(source: str, target: str) -> None:
    engine = create_engine(target)

    def meddle(statement: str) -> Callable[[MoveProgress], None]:
        def change(progress: MoveProgress) -> None:
            if progress.step is Step.INDEX and progress.rows == 0:
                with engine.begin() as connection:
                    connection.execute(text(statement))

        return change

    later = "UPDATE messages SET sent_at = sent_at + interval '1 microsecond' WHERE id = 12"
    with pytest.raises(RowsDiffer, match="not the same in sent_at: messages, id 12"):
        await moved(source, target, on_progress=meddle(later))
    with pytest.raises(RowsDiffer, match="sent_at"):
        await moved(source, target, on_progress=meddle("DELETE FROM erased_users"))
    with pytest.raises(UnfinishedMove):
        await open_database(target, hash_choice=SHA)
    engine.dispose()


@pytest.mark.slow
async def test_what_cannot_be_moved_or_not_to_there(
    source: str, target: str, postgres: Postgres, tmp_path: Path
) -> None:
    async def refused(
        kind: type[Exception], words: str, *, of: str = source, to: str = target, choice: str = SHA
    ) -> None:
        with pytest.raises(kind, match=words) as raised:
            await move_archive(of, to, hash_choice=choice, search=None)
        assert "\n" not in str(raised.value)

    await refused(MoveRefused, "to PostgreSQL", to=sqlite_url(tmp_path / "new"))
    await refused(MoveRefused, "on PostgreSQL already", of=target)
    await refused(NoArchive, "There is no archive", of=sqlite_url(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
    await refused(HashChoiceMismatch, "PLATFORM_SYNC_HASH_KEY", choice="hmac-sha256:1")
    await refused(DatabaseUnsuitable, "UTF8", to=postgres.create_database(migrated=False, encoding="SQL_ASCII"))
    await refused(DatabaseUnreachable, "Check that it runs", to="postgresql://nobody@127.0.0.1:1/none")
    postgres.execute(target, "CREATE TABLE messages (id int)")
    await refused(MoveRefused, "a table messages of another program")
    used = postgres.create_database()
    await (await open_database(used, hash_choice=SHA)).close()
    await refused(MoveRefused, "not empty", to=used)
    postgres.execute(used, "CREATE ROLE powerless LOGIN")
    await refused(
        DatabaseReadOnly, "rights", to=postgres.create_database(migrated=False).replace("postgres@", "powerless@")
    )
    with pytest.raises(Killed):
        await moved(source, other := postgres.create_database(migrated=False), on_progress=after(5), batch=2)
    await refused(MoveRefused, f"already: {tmp_path}/archive.db", of=await archive_in(tmp_path / "second"), to=other)
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("UPDATE sync_jobs SET attempt = 1099511627776 WHERE id = 'id-000001'")
    await refused(MoveRefused, "cannot hold a row of the archive: sync_jobs, id 'id-000001'", to=other)
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("UPDATE sync_jobs SET attempt = 1")
        connection.execute("UPDATE messages SET channel_id = channel_id + 1000 WHERE id = 12")
    await refused(MoveRefused, "Rows of messages refer to others that are not there: fk_messages_", to=other)
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("UPDATE messages SET channel_id = channel_id - 1000 WHERE id = 12")
        connection.execute("UPDATE sync_jobs SET queued_at = 'yesterday' WHERE id = 'id-000001'")
    await refused(MoveRefused, "a value in sync_jobs that is no time", to=other)
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'baseline'")
    await refused(NoArchive, "earlier version. Run the daemon or 'migrate' once", to=other)


@pytest.mark.slow
async def test_a_server_that_goes_away_is_one_error_and_the_move_goes_on(
    source: str, target: str, postgres: Postgres
) -> None:
    def kill(progress: MoveProgress) -> None:
        if progress.rows == 13 and progress.step is Step.COPY:
            postgres.kill()

    with pytest.raises(DatabaseUnreachable):
        await moved(source, target, on_progress=kill, batch=2)
    postgres.restart()
    seen = list[MoveProgress]()
    await moved(source, target, on_progress=seen.append, batch=2)
    assert seen[0].rows == 13
    assert rows_in(target) == rows_in(source)
