"""What is not ready is said by its part, in two seconds whatever the database does; why, to those who may know."""

import asyncio
import errno
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator
from bot.database_probe import DatabaseProbe
from storage import errors
from storage.connection import WriteHealth
from storage.connection.driver_errors import from_os_error
from storage.database import open_database
from tests.support.daemon import running_daemon
from tests.support.patience import PATIENCE_SECONDS
from tests.support.postgres import Postgres
from tests.support.small_world import small_world

TOKEN = "a token of the operator's"


@pytest.mark.slow
async def test_a_file_that_another_program_has_locked(tmp_path: Path) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}", hash_choice="sha256")
    probe = DatabaseProbe(db)
    try:
        assert await probe.fault() is None
        with closing(sqlite3.connect(tmp_path / "archive.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(2):
                began = time.monotonic()
                fault = await probe.fault()
                assert time.monotonic() - began < 2
                assert fault is not None
                assert "has not answered" in fault
            other.execute("ROLLBACK")
            async with asyncio.timeout(30):
                while await probe.fault() is not None:
                    pass
    finally:
        await db.close()


@pytest.mark.slow
async def test_a_server_whose_table_is_locked(postgres: Postgres) -> None:
    url = postgres.create_database()
    db = await open_database(url, hash_choice="sha256")
    other = await open_database(url, hash_choice="sha256")
    probe = DatabaseProbe(db, answer_seconds=1.0)
    try:
        assert await probe.fault() is None
        async with other.writing() as connection:
            await connection.exec_driver_sql("LOCK TABLE archive_settings IN ACCESS EXCLUSIVE MODE")
            assert "has not answered" in (await probe.fault() or "")
        async with asyncio.timeout(30):
            while await probe.fault() is not None:
                pass
    finally:
        await db.close()
        await other.close()


@pytest.mark.slow
async def test_calls_to_a_server_that_hangs_can_be_cut(postgres: Postgres) -> None:
    """A cancellation would wait for the server, ten seconds a call."""
    db = await open_database(postgres.create_database(), hash_choice="sha256")
    try:
        with postgres.stopped():
            call = asyncio.create_task(db.ping())
            assert not (await asyncio.wait({call}, timeout=0.2))[0]
            db.cut_off()
            with pytest.raises(errors.DatabaseUnreachable):
                await asyncio.wait_for(call, PATIENCE_SECONDS)
            with pytest.raises(errors.StorageError, match="closed"):
                await db.ping()
    finally:
        await db.close()


@pytest.mark.slow
async def test_our_own_writes_in_front_of_the_question_are_no_fault(tmp_path: Path) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}", hash_choice="sha256")

    async def busy() -> None:
        while True:
            async with db.writing():
                await asyncio.sleep(0.05)

    writers = [asyncio.create_task(busy()) for _ in range(10)]
    try:
        await asyncio.sleep(0.1)
        assert await DatabaseProbe(db, answer_seconds=0.2).fault() is None
    finally:
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await db.close()


def test_a_disk_that_is_full_is_remembered_for_a_while() -> None:
    writes = WriteHealth()
    for error in (errors.DatabaseBusy(), errors.DatabaseUnreachable(), errors.LeaseLost()):
        with pytest.raises(errors.StorageError), writes.watching():
            raise error
        assert writes.failure_within(60) is None, "a question to the database shows this by itself, or nobody need know"
    with pytest.raises(errors.DatabaseFull), writes.watching():
        raise errors.DatabaseFull
    with writes.watching():
        pass
    assert isinstance(writes.failure_within(60), errors.DatabaseFull)
    assert writes.failure_within(0) is None


@pytest.mark.slow
@pytest.mark.usefixtures("restored_addresses")
async def test_what_is_not_ready_is_told_in_detail_to_those_who_have_the_token(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with Simulator(small_world()) as sim:
        sim.faults.add(Fault("hold", "/users/@me", times=None))
        async with running_daemon(sim, url, PLATFORM_SYNC_API_TOKEN=TOKEN) as daemon:
            status, told = await daemon.ask("GET", "/readyz")
            assert (status, set(told["reasons"])) == (503, {"discord", "membership"})
            assert "gateway" not in str(told)
            known = {"Authorization": f"Bearer {TOKEN}"}
            status, told = await daemon.ask("GET", "/readyz", headers=known)
            assert status == 503
            assert "not connected to Discord's gateway" in told["reasons"]["discord"]
            assert "do not match the communities" in told["reasons"]["membership"]
            sim.faults.clear()
            await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
            body, _ = await daemon.metrics.expose("")
    assert 'platform_sync_gateway_shards_connected{platform="discord"} 1.0' in body.decode()
    assert 'platform_sync_gateway_heartbeat_age_seconds{platform="discord",shard="0"} ' in body.decode()
    assert 'platform_sync_gateway_wait_seconds{platform="discord"} 0.0' in body.decode()


@pytest.mark.parametrize(
    "error",
    [
        errors.StorageError(),
        errors.DatabaseBusy(),
        errors.DatabaseFull(),
        errors.DatabaseInUse(),
        errors.DatabaseReadOnly(),
        errors.DatabaseUnreachable(is_transient=False),
        errors.LeaseLost(),
        from_os_error(OSError(errno.EACCES, "Permission denied"), "Cannot lock"),
        from_os_error(OSError(errno.EMFILE, "Too many open files"), "Cannot create"),
        from_os_error(OSError(errno.ESTALE, "Stale file handle"), "Cannot create"),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_what_may_pass_by_itself_needs_nobody(error: errors.StorageError) -> None:
    assert not error.needs_a_person


@pytest.mark.parametrize(
    "error",
    [
        errors.BadDatabaseUrl(),
        errors.DatabaseDamaged(),
        errors.DatabaseTooNew(),
        errors.DatabaseTooOld(),
        errors.DatabaseUnsuitable(),
        errors.HashChoiceMismatch(),
        errors.SessionsShared(),
        from_os_error(OSError(errno.ENOENT, "No such file"), "Cannot create"),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_what_needs_a_person_says_so(error: errors.StorageError) -> None:
    assert error.needs_a_person
