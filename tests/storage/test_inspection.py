"""Looking at an archive changes nothing, tells how it stands, and refuses what opening it would refuse."""

import asyncio
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from storage.connection import DatabaseState, inspect_database
from storage.database import Database, migrate, open_database
from storage.errors import BadDatabaseUrl, DatabaseDamaged, DatabaseUnreachable, DatabaseUnsuitable
from storage.migrations.runner import known_revisions
from tests.support.builders import SHA
from tests.support.postgres import Postgres
from tests.support.tables_of import run_sql

Files = dict[str, tuple[bytes, int]]

NEWEST = known_revisions()[0]


def files_in(folder: Path) -> Files:
    """Every file with its content and the time of its last change."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


async def inspected(folder: Path, name: str = "archive.db") -> DatabaseState:
    """A SQLite archive, of which nothing changes."""
    before = files_in(folder)
    state = await inspect_database(f"sqlite+aiosqlite:///{folder}/{name}")
    assert files_in(folder) == before
    return state


async def test_an_open_archive(db: Database, database_url: str, tmp_path: Path) -> None:
    state = await inspect_database(database_url)
    assert state == DatabaseState(
        dialect=db.dialect,
        exists=True,
        revision=NEWEST,
        newest_revision=NEWEST,
        is_too_new=False,
        is_too_old=False,
        is_writable=True,
        is_in_use=db.dialect == "sqlite",
        hash_choice=SHA,
    )
    assert not state.needs_migration


async def test_one_of_a_newer_program(db: Database, database_url: str) -> None:
    await run_sql(db, "UPDATE alembic_version SET version_num = 'future'")
    state = await inspect_database(database_url)
    assert (state.revision, state.is_too_new, state.needs_migration) == ("future", True, False)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
async def test_one_from_before_the_first_release(db: Database, database_url: str, revision: str) -> None:
    await run_sql(db, "UPDATE alembic_version SET version_num = :revision", revision=revision)
    state = await inspect_database(database_url)
    assert (state.is_too_old, state.is_too_new, state.needs_migration) == (True, False, False)


class TestFile:
    async def test_that_is_not_there(self, tmp_path: Path) -> None:
        state = await inspected(tmp_path, "new/folder/archive.db")
        assert (state.exists, state.revision, state.hash_choice) == (False, None, None)
        assert (state.is_writable, state.is_in_use, state.needs_migration) == (True, False, True)

    async def test_that_is_empty(self, tmp_path: Path) -> None:
        (tmp_path / "archive.db").touch()
        state = await inspected(tmp_path)
        assert (state.exists, state.revision, state.needs_migration) == (True, None, True)

    async def test_that_was_closed(self, tmp_path: Path) -> None:
        folder = tmp_path / "odd name?#%"
        db = await open_database(f"sqlite+aiosqlite:///{folder}/archive.db".replace("?", "%3F"), hash_choice=SHA)
        await db.close()
        before = files_in(tmp_path)
        state = await inspect_database(f"sqlite+aiosqlite:///{folder}/archive.db".replace("?", "%3F"))
        assert files_in(tmp_path) == before
        assert (state.exists, state.is_in_use, state.revision, state.hash_choice) == (
            True,
            False,
            state.newest_revision,
            SHA,
        )

    async def test_that_was_migrated_but_never_opened(self, tmp_path: Path) -> None:
        await migrate(f"sqlite+aiosqlite:///{tmp_path}/archive.db")
        state = await inspected(tmp_path)
        assert (state.revision, state.hash_choice) == (NEWEST, None)

    @pytest.mark.slow
    @pytest.mark.process
    async def test_that_a_daemon_works_on_and_is_then_killed(self, tmp_path: Path) -> None:
        """Everything is in the write-ahead log still."""
        program = (
            "import asyncio, storage.database as d\n"
            "async def main():\n"
            f"    db = await d.open_database('sqlite+aiosqlite:///{tmp_path}/archive.db', hash_choice='sha256')\n"
            "    print('open', flush=True)\n"
            "    await asyncio.sleep(60)\n"
            "asyncio.run(main())"
        )
        daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        assert daemon.stdout is not None
        assert await daemon.stdout.readline() == b"open\n"
        assert (tmp_path / "archive.db-wal").stat().st_size > 0
        state = await inspected(tmp_path)
        assert (state.revision, state.hash_choice, state.is_in_use) == (NEWEST, SHA, True)
        daemon.kill()
        await daemon.communicate()
        assert await inspected(tmp_path) == replace(state, is_in_use=False)

    async def test_that_is_no_archive(self, tmp_path: Path) -> None:
        (tmp_path / "archive.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
        with pytest.raises(DatabaseDamaged):
            await inspected(tmp_path)
        other = sqlite3.connect(tmp_path / "other.db")
        other.execute("CREATE TABLE t (x)")
        other.close()
        assert (await inspected(tmp_path, "other.db")).revision is None

    async def test_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder.db").mkdir()
        for path in ("file/archive.db", "folder.db"):
            with pytest.raises(DatabaseUnreachable):
                await inspected(tmp_path, path)
        with pytest.raises(BadDatabaseUrl):
            await inspect_database("sqlite+aiosqlite:///:memory:")


class TestServer:
    async def test_without_tables(self, postgres: Postgres) -> None:
        state = await inspect_database(postgres.create_database(migrated=False))
        assert (state.exists, state.revision, state.hash_choice, state.is_writable) == (True, None, None, True)
        assert state.needs_migration

    async def test_where_we_may_only_read(self, postgres: Postgres) -> None:
        url = postgres.create_database()
        postgres.execute(url, "CREATE ROLE guest LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
        try:
            state = await inspect_database(url.replace("postgres@", "guest@"))
        finally:
            postgres.execute(url, "DROP OWNED BY guest; DROP ROLE guest")
        assert (state.revision, state.is_writable) == (NEWEST, False)

    async def test_that_only_reads(self, postgres: Postgres) -> None:
        url = postgres.create_database()
        setting = "format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database())"
        postgres.execute(url, f"DO $$ BEGIN EXECUTE {setting}; END $$")
        state = await inspect_database(url)
        assert (state.revision, state.is_writable) == (NEWEST, False)

    async def test_that_cannot_be_used(self, postgres: Postgres, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnsuitable, match="SQL_ASCII"):
            await inspect_database(postgres.create_database(migrated=False, encoding="SQL_ASCII"))
        for url in (postgres.create_database().replace("/archive_", "/absent_"), f"postgresql:///x?host={tmp_path}"):
            with pytest.raises(DatabaseUnreachable):
                await inspect_database(url)
