"""Opening an archive: migrated whoever comes first, refused with a plain reason where it must not be used."""

import asyncio
import sys
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from storage.connection import inspect_database
from storage.database import Database, migrate, open_database, open_for_reading
from storage.errors import (
    BadDatabaseUrl,
    DatabaseDamaged,
    DatabaseInUse,
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseTooOld,
    DatabaseUnreachable,
    DatabaseUnsuitable,
    HashChoiceMismatch,
    StorageError,
)
from storage.migrations.runner import LOCK_KEY
from storage.tables import archive_settings, metadata
from tests.storage.conftest import SHA
from tests.support.postgres import Postgres
from tests.support.tables_of import count_of, only_row, run_sql

NEWEST = "baseline"
HMAC = "hmac-sha256:0123456789abcdef"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table; the SQLite one has no folder yet either."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new/folder/archive.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database(migrated=False)


async def test_an_archive_is_made_from_nothing(empty_url: str) -> None:
    db = await open_database(empty_url, hash_choice=SHA)
    await db.ping()
    for table in metadata.sorted_tables:
        assert await count_of(db, table) == (1 if table is archive_settings else 0)
    setting = await only_row(db, archive_settings)
    assert (setting["name"], setting["value"]) == ("hash_choice", SHA)
    assert setting["created_at"].tzinfo is not None
    await db.close()


async def test_an_archive_can_be_opened_again_and_again(empty_url: str) -> None:
    assert await migrate(empty_url) == NEWEST
    assert await migrate(empty_url) == NEWEST
    for _ in range(2):
        db = await open_database(empty_url, hash_choice=SHA)
        await db.close()
        await db.close()
    with pytest.raises(StorageError, match="closed"):
        await db.ping()


@pytest.mark.process
@pytest.mark.slow
async def test_several_processes_migrate_at_once(empty_url: str) -> None:
    program = f"import asyncio, storage.database as d; print(asyncio.run(d.migrate({empty_url!r})))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    assert [(await p.communicate())[0].decode().strip() for p in processes] == [NEWEST] * 3
    assert [p.returncode for p in processes] == [0] * 3


async def test_migrations_take_turns_on_a_server(postgres: Postgres) -> None:
    url = postgres.create_database(migrated=False)
    place = url.replace("+psycopg", "")
    async with await AsyncConnection.connect(place, autocommit=True) as other:
        await other.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        migrating = asyncio.create_task(migrate(url))
        assert not (await asyncio.wait({migrating}, timeout=0.5))[0]
    assert await migrating == NEWEST


async def test_a_migration_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("killed in mid-migration")

    with monkeypatch.context() as patched:
        patched.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", crash)
        with pytest.raises(RuntimeError):
            await migrate(empty_url)
    assert await migrate(empty_url) == NEWEST


async def test_an_archive_of_a_newer_program_is_left_alone(database_url: str) -> None:
    db = await open_database(database_url, hash_choice=SHA)
    await run_sql(db, "UPDATE alembic_version SET version_num = 'future'")
    await db.close()
    for attempt in (open_database(database_url, hash_choice=SHA), migrate(database_url)):
        with pytest.raises(DatabaseTooNew, match="newer version") as refused:
            await attempt
        assert "future" in str(refused.value)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
async def test_an_archive_from_before_the_first_release_is_refused(database_url: str, revision: str) -> None:
    db = await open_database(database_url, hash_choice=SHA)
    await run_sql(db, "UPDATE alembic_version SET version_num = :revision", revision=revision)
    await db.close()
    for attempt in (
        open_database(database_url, hash_choice=SHA),
        open_for_reading(database_url, hash_choice=SHA),
        migrate(database_url),
    ):
        with pytest.raises(DatabaseTooOld, match="before the first release"):
            await attempt
    assert (await inspect_database(database_url)).revision == revision


@pytest.mark.parametrize(
    ("first", "second", "advice"),
    [
        (SHA, HMAC, "Unset PLATFORM_SYNC_HASH_KEY"),
        (HMAC, SHA, "Set PLATFORM_SYNC_HASH_KEY"),
        (HMAC, HMAC + "0", "another key"),
    ],
)
async def test_the_hash_choice_is_for_ever(database_url: str, first: str, second: str, advice: str) -> None:
    db = await open_database(database_url, hash_choice=first)
    await db.close()
    with pytest.raises(HashChoiceMismatch, match=advice):
        await open_database(database_url, hash_choice=second)
    db = await open_database(database_url, hash_choice=first)
    await db.close()


async def test_reading_cannot_write_on_sqlite(tmp_path: Path) -> None:
    db = await open_database(f"sqlite:///{tmp_path / 'archive.db'}", hash_choice=SHA)
    with pytest.raises(DatabaseReadOnly):
        async with db.reading() as connection:
            await connection.exec_driver_sql("DELETE FROM archive_settings")
    await db.close()


class TestOneProcessOnOneFile:
    @pytest.mark.process
    async def test_a_second_daemon_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "link.db").symlink_to(tmp_path / "archive.db")
        url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
        program = (
            "import asyncio, sys, storage.database as d\n"
            "async def main():\n"
            f"    db = await d.open_database({url!r}, hash_choice='sha256')\n"
            "    print('open', flush=True)\n"
            "    await asyncio.sleep(60)\n"
            "asyncio.run(main())"
        )
        daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        assert daemon.stdout is not None
        assert await daemon.stdout.readline() == b"open\n"
        for same_file in (url, f"sqlite+aiosqlite:///{tmp_path}/link.db"):
            with pytest.raises(DatabaseInUse, match=r"archive\.db") as refused:
                await open_database(same_file, hash_choice=SHA)
            assert refused.value.code == "database_in_use"
        daemon.kill()
        await daemon.communicate()
        db = await open_database(url, hash_choice=SHA)
        await db.close()

    async def test_closing_and_failing_let_the_file_go(self, tmp_path: Path) -> None:
        url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
        db = await open_database(url, hash_choice=SHA)
        with pytest.raises(DatabaseInUse):
            await open_database(url, hash_choice=SHA)
        await db.close()
        with pytest.raises(HashChoiceMismatch):
            await open_database(url, hash_choice=HMAC)
        db = await open_database(url, hash_choice=SHA)
        await db.close()


class TestRefusals:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "archive.db",
            "sqlite+aiosqlite://",
            "sqlite+aiosqlite:///:memory:",
            "sqlite+aiosqlite:///file:archive.db?uri=true",
            "sqlite+aiosqlite:///archive.db?timeout=5",
            "sqlite+pysqlcipher:///archive.db",
            "mysql://user:hunter2@localhost/archive",
            "postgresql+asyncpg://user:hunter2@localhost/archive",
            "postgresql://user:hunter2@localhost:port/archive",
            "postgresql://user:hunter2@localhost/archive?no_such_option=1",
        ],
    )
    async def test_a_url_that_names_no_archive(self, url: str) -> None:
        for attempt in (open_database(url, hash_choice=SHA), migrate(url)):
            with pytest.raises(BadDatabaseUrl) as refused:
                await attempt
            assert "hunter2" not in str(refused.value)

    async def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseUnreachable) as refused:
            await open_database(f"postgresql://me:hunter2@/archive?host={tmp_path}", hash_choice=SHA)
        assert refused.value.is_transient
        assert str(tmp_path) in str(refused.value)
        assert "hunter2" not in str(refused.value)

    async def test_a_database_that_is_not_there(self, postgres: Postgres) -> None:
        url = postgres.create_database().replace("/archive_", "/absent_")
        with pytest.raises(DatabaseUnreachable, match="absent"):
            await open_database(url, hash_choice=SHA)

    async def test_a_server_that_only_reads(self, postgres: Postgres) -> None:
        url = postgres.create_database()
        setting = "format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database())"
        postgres.execute(url, f"DO $$ BEGIN EXECUTE {setting}; END $$")
        with pytest.raises(DatabaseReadOnly, match="standby"):
            await open_database(url, hash_choice=SHA)

    async def test_a_role_that_may_not_write(self, postgres: Postgres) -> None:
        url = postgres.create_database()
        postgres.execute(url, "CREATE ROLE guest LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
        try:
            with pytest.raises(DatabaseReadOnly, match="grants"):
                await open_database(url.replace("postgres@", "guest@"), hash_choice=SHA)
        finally:
            postgres.execute(url, "DROP OWNED BY guest; DROP ROLE guest")

    async def test_a_database_without_unicode(self, postgres: Postgres) -> None:
        url = postgres.create_database(migrated=False, encoding="SQL_ASCII")
        with pytest.raises(DatabaseUnsuitable, match="SQL_ASCII"):
            await open_database(url, hash_choice=SHA)

    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "archive.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
        with pytest.raises(DatabaseDamaged):
            await open_database(f"sqlite:///{tmp_path}/archive.db", hash_choice=SHA)

    async def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder.db").mkdir()
        for path, said in (("file/archive.db", "Cannot create"), ("folder.db", "cannot be opened")):
            with pytest.raises(DatabaseUnreachable, match=said) as refused:
                await open_database(f"sqlite:///{tmp_path}/{path}", hash_choice=SHA)
            assert not refused.value.is_transient
            assert "path in the database URL" in str(refused.value)


async def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    db: Database = await open_database(f"sqlite:///{path}", hash_choice=SHA)
    await db.ping()
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(DatabaseUnreachable, match="removed or replaced"):
        await db.ping()
    await db.close()


async def test_a_killed_server_is_told_and_found_again(postgres: Postgres) -> None:
    db = await open_database(postgres.create_database(), hash_choice=SHA)
    postgres.kill()
    for _ in range(2):
        with pytest.raises(DatabaseUnreachable) as told:
            await db.ping()
        assert told.value.is_transient
    postgres.restart()
    await db.ping()
    await db.close()
