"""What a driver's error means, and that none of it quotes what was to be stored."""

import asyncio
import errno
import inspect
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError

from adapters.records import TenantRecord
from storage import errors
from storage.connection import translated
from storage.connection.driver_errors import from_os_error
from storage.database import Database, open_database
from storage.tenants import Tenant, save_tenant
from tests.support.builders import GUILD, NOW, SHA
from tests.support.patience import PATIENCE_SECONDS
from tests.support.postgres import Postgres

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.StorageError)]


def test_each_error_has_a_code_of_its_own_and_says_what_to_do() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        said = str(kind())
        assert said.endswith(".")
        assert "\n" not in said
        assert "remedy" in vars(kind)
        assert kind.remedy.endswith(".")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, errors.DatabaseBusy),
        (sqlite3.SQLITE_READONLY_ROLLBACK, errors.DatabaseReadOnly),
        (sqlite3.SQLITE_IOERR_WRITE, errors.DatabaseUnreachable),
        (sqlite3.SQLITE_CORRUPT_INDEX, errors.DatabaseDamaged),
        (sqlite3.SQLITE_FULL, errors.DatabaseFull),
        (sqlite3.SQLITE_MISUSE, errors.StorageError),
    ],
)
def test_sqlites_codes(code: int, kind: type[errors.StorageError]) -> None:
    cause = sqlite3.OperationalError("whatever it says")
    cause.sqlite_errorcode, cause.sqlite_errorname = code, "SQLITE_NAME"
    with pytest.raises(errors.StorageError) as raised, translated():
        raise DBAPIError.instance("INSERT", None, cause, sqlite3.Error)
    assert type(raised.value) is kind
    assert "SQLITE_NAME" in str(raised.value)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, errors.DatabaseReadOnly),
        (errno.EROFS, errors.DatabaseReadOnly),
        (errno.ENOSPC, errors.DatabaseFull),
        (errno.EIO, errors.DatabaseUnreachable),
    ],
)
def test_the_systems_codes(number: int, kind: type[errors.StorageError]) -> None:
    raised = from_os_error(OSError(number, "said so"), "Cannot create /x")
    assert type(raised) is kind
    assert str(raised).startswith("Cannot create /x: said so.")


def test_a_file_opened_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    sqlite3.connect(path).close()
    engine = create_engine(URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"}))
    with pytest.raises(errors.DatabaseReadOnly), translated(), engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    engine.dispose()


@pytest.mark.slow
async def test_another_programs_lock_is_waited_for_and_then_named(tmp_path: Path) -> None:
    db = await open_database(f"sqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    async with db.writing() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 100"))  # milliseconds, in place of half a minute
    other = sqlite3.connect(tmp_path / "archive.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(errors.DatabaseBusy) as raised:
        await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    assert raised.value.is_transient
    other.close()
    await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await db.close()


async def test_a_deadlock_is_named_as_one_that_can_be_tried_again(postgres: Postgres) -> None:
    db = await open_database(postgres.create_database(), hash_choice=SHA)
    for number in "12":
        await save_tenant(db, "discord", TenantRecord(platform_id=number, name=None), connected=True, now=NOW)
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> None:
        async with db.writing() as connection:
            await connection.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
            for number in (first, second):
                await connection.execute(text("UPDATE tenants SET name = 'x' WHERE platform_id = :id"), {"id": number})
                if number == first:
                    await both_hold_one.wait()

    ends = await asyncio.gather(lock("1", "2"), lock("2", "1"), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [errors.DatabaseBusy]
    await db.close()


async def test_no_error_quotes_a_row(db: Database, tenant: Tenant) -> None:
    async def insert() -> None:
        async with db.writing() as connection:
            await connection.execute(
                text("INSERT INTO tenants (id, platform, platform_id, name) VALUES ('1', '2', '3', :name)"),
                {"name": "a secret"},
            )

    with pytest.raises(errors.StorageError) as raised:
        await insert()
    assert not raised.value.is_transient
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.slow
async def test_cancelling_at_any_instant_leaves_the_archive_usable(db: Database, tenant: Tenant) -> None:
    cancelled = []  # kept, with all that their tracebacks hold
    for step in range(80):
        record = TenantRecord(platform_id=str(step), name=None)
        saving = asyncio.create_task(save_tenant(db, "discord", record, connected=True, now=NOW))
        await asyncio.sleep(step * 0.000_02)
        saving.cancel()
        cancelled.append(await asyncio.gather(saving, return_exceptions=True))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await db.ping()
    assert any(isinstance(end, asyncio.CancelledError) for (end,) in cancelled)


async def test_a_timeout_is_raised_once_the_work_is_done(db: Database) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await db.ping()
