"""Backups: whole, restorable, private, never more than wanted, and made while the archive is written."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.backup import REQUESTS, back_up
from bot.config import Config, load
from storage.database import open_database
from storage.errors import BackupFailed, NoArchive
from storage.tables import messages, metadata
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA
from tests.support.postgres import Postgres
from tests.support.tables_of import rows_of


def configured(url: str) -> Config:
    return load(None, {"PLATFORM_SYNC_DATABASE__URL": url})


def restored(backup: Path, postgres: Postgres | None, folder: Path) -> str:
    """Restore a backup as docs/installation.md says; return the archive's URL."""
    if postgres is None:
        return f"sqlite+aiosqlite:///{shutil.copy(backup, folder / 'restored.db')}"
    url = postgres.create_database(migrated=False)
    address = url.replace("+psycopg", "")
    subprocess.run(["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={address}", str(backup)], check=True)
    return url


@pytest.fixture
def server(database_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Postgres | None:
    """The server of the archive, whose own tools are found first; None where the archive is a file."""
    if database_url.startswith("sqlite"):
        return None
    postgres: Postgres = request.getfixturevalue("postgres")
    monkeypatch.setenv("PATH", str(postgres._binaries), prepend=os.pathsep)
    return postgres


@pytest.mark.slow
async def test_a_backup_is_the_archive_of_one_instant(
    database_url: str, server: Postgres | None, tmp_path: Path
) -> None:
    folder = tmp_path / "backups" / "of the archive"
    db = await open_database(database_url, hash_choice=SHA)
    try:
        await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
        async with db.writing() as connection:  # a sync's open transaction holds up no backup, and is not in it
            await connection.execute(text("UPDATE tenants SET name = 'half done'"))
            made = await back_up(configured(database_url), folder, keep=2, hash_choice=SHA, now=NOW)
        then = [
            await back_up(configured(database_url), folder, keep=2, hash_choice=SHA, now=NOW + timedelta(days=n))
            for n in (1, 2)
        ]
        tables = [table for table in metadata.sorted_tables if table is not messages]
        expected = {table.name: await rows_of(db, table) for table in tables}
    finally:
        await db.close()
    assert made.removed == then[0].removed == ()
    assert then[1].removed == (made.file,)
    names = sorted(file.name for file in folder.iterdir())
    assert names == [*sorted(each.file.name for each in then), REQUESTS]
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    assert folder.stat().st_mode & 0o777 == 0o700
    copy = await open_database(restored(then[1].file, server, tmp_path), hash_choice=SHA)
    try:
        assert {table.name: await rows_of(copy, table) for table in tables} == expected
    finally:
        await copy.close()


@pytest.mark.slow
async def test_a_backup_that_cannot_be_made_removes_none(
    database_url: str, server: Postgres | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    config = configured(database_url)
    db = await open_database(database_url, hash_choice=SHA)
    await db.close()
    good = await back_up(config, folder, keep=1, hash_choice=SHA, now=NOW)
    if server is None:
        # A folder is where the copy would be.
        (folder / f".archive-{NOW + timedelta(days=1):%Y-%m-%d-%H%M%S}.db.part").mkdir()
        expected: type[Exception] = OSError
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
        expected = BackupFailed
    with pytest.raises(expected):
        await back_up(config, folder, keep=1, hash_choice=SHA, now=NOW + timedelta(days=1))
    assert good.file.is_file()


async def test_what_is_no_archive_is_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(NoArchive):
        await back_up(
            configured(f"sqlite:///{tmp_path}/nothing.db"), tmp_path / "backups", keep=1, hash_choice=SHA, now=NOW
        )
    assert not (tmp_path / "backups").exists()
