"""Opening an archive: made where there is none, refused with a plain reason where it must not be used."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from storage import database
from storage.database import Database, migrate, open_database
from storage.errors import (
    BadDatabaseUrl,
    DatabaseDamaged,
    DatabaseInUse,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DatabaseUnsuitable,
    HashChoiceMismatch,
    StorageError,
)
from storage.tables import archive_settings, metadata
from tests.support.builders import SHA
from tests.support.postgres import Postgres
from tests.support.tables_of import count_of, only_row

PATIENCE_SECONDS = 20.0
HMAC = "hmac-sha256:0123456789abcdef"


@pytest.mark.slow
async def test_an_archive_is_made_from_nothing(empty_url: str) -> None:
    db = await open_database(empty_url, hash_choice=SHA)
    await db.ping()
    for table in metadata.sorted_tables:
        assert await count_of(db, table) == (1 if table is archive_settings else 0)
    setting = await only_row(db, archive_settings)
    assert (setting["name"], setting["value"]) == ("hash_choice", SHA)
    assert setting["created_at"].tzinfo is not None
    await db.close()


@pytest.mark.slow
async def test_an_archive_can_be_opened_again_and_again(empty_url: str) -> None:
    for _ in range(2):
        assert await migrate(empty_url) == "meanings"
    for _ in range(2):
        db = await open_database(empty_url, hash_choice=SHA)
        await db.close()
        await db.close()
    with pytest.raises(StorageError, match="closed"):
        await db.ping()


@pytest.mark.slow
async def test_closing_waits_for_what_still_runs(database_url: str) -> None:
    """Or its connection would come back to a pool that is gone, and never be closed."""
    db = await open_database(database_url, hash_choice=SHA)
    lends = {"reading": db.reading, "writing": db.writing}
    returned: list[str] = []
    may_return = asyncio.Event()

    async def use(name: str) -> None:
        async with lends[name]() as connection:
            await connection.execute(select(archive_settings))
            await may_return.wait()
        returned.append(name)

    async with asyncio.TaskGroup() as group:
        for name in lends:
            group.create_task(use(name))
        group.create_task(asyncio.sleep(0.2)).add_done_callback(lambda _: may_return.set())
        await asyncio.sleep(0.1)
        await db.close()
        assert sorted(returned) == sorted(lends)


async def test_closing_does_not_wait_for_ever(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_RETURN_SECONDS", 0.1)
    db = await open_database(database_url, hash_choice=SHA)
    async with db.reading() as connection:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await db.close()
        await connection.invalidate()
    with pytest.raises(StorageError, match="closed"):
        await db.ping()


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


@pytest.mark.slow
async def test_reading_cannot_write_on_sqlite(tmp_path: Path) -> None:
    db = await open_database(f"sqlite:///{tmp_path / 'archive.db'}", hash_choice=SHA)
    with pytest.raises(DatabaseReadOnly):
        async with db.reading() as connection:
            await connection.exec_driver_sql("DELETE FROM archive_settings")
    await db.close()


class TestOneProcessOnOneFile:
    @pytest.mark.process
    @pytest.mark.slow
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

    @pytest.mark.slow
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


async def test_a_killed_server_is_reported_and_found_again(postgres: Postgres) -> None:
    db = await open_database(postgres.create_database(), hash_choice=SHA)
    postgres.kill()
    for _ in range(2):
        with pytest.raises(DatabaseUnreachable) as refused:
            await db.ping()
        assert refused.value.is_transient
    postgres.restart()
    await db.ping()
    await db.close()
