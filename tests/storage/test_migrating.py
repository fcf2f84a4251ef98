"""Migrating an archive: one at a time, whole or not at all, and only from a revision that this program knows."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from storage.connection import inspect_database
from storage.database import migrate, open_database, open_for_reading
from storage.errors import DatabaseTooNew, DatabaseTooOld
from storage.migrations.runner import LOCK_KEY
from tests.support.builders import NOW, SHA
from tests.support.postgres import Postgres
from tests.support.tables_of import run_sql

NEWEST = "meanings"


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


@pytest.mark.slow
async def test_migrations_take_turns_on_a_server(postgres: Postgres) -> None:
    url = postgres.create_database(migrated=False)
    place = url.replace("+psycopg", "")
    async with await AsyncConnection.connect(place, autocommit=True) as other:
        await other.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        migrating = asyncio.create_task(migrate(url))
        assert not (await asyncio.wait({migrating}, timeout=0.5))[0]
    assert await migrating == NEWEST


@pytest.mark.slow
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


async def test_an_archive_of_this_program_is_opened_without_looking_through_its_rows(tmp_path: Path) -> None:
    """At 20,000,000 messages that would take minutes at each start: only a migration looks for lost references."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    await (await open_database(url, hash_choice=SHA)).close()
    with sqlite3.connect(tmp_path / "archive.db") as by_hand:
        by_hand.execute(
            "INSERT INTO content_retention (tenant_id, observed_at, created_at, updated_at) VALUES ('nobody', ?, ?, ?)",
            [NOW.isoformat()] * 3,
        )
    db = await open_database(url, hash_choice=SHA)
    await db.close()
