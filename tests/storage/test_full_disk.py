"""A database that fails in the middle of a batch: no message is at fault, and nothing of the batch is stored."""

from typing import Any

import pytest
from sqlalchemy import text

from storage.channels import channel_states
from storage.database import Database
from storage.errors import DatabaseBusy, DatabaseFull, DatabaseUnreachable, StorageError, ValueRefused
from storage.tables import attachments, messages, sync_progress
from tests.support.builders import attachment, message
from tests.support.faults import killed_before
from tests.support.repair_steps import Way
from tests.support.tables_of import rows_of

NOTHING: Any = None
FIRST, POISON = [message(1)], message(2, type=NOTHING)
REST = [message(n, attachments=(attachment(str(n), filename="x" * 2_000),)) for n in range(3, 200)]


async def assert_only_first(db: Database, way: Way) -> None:
    assert [row["platform_id"] for row in await rows_of(db, messages)] == ["1"]
    assert await rows_of(db, attachments) == []
    (state,) = await channel_states(db, way.tenant.id)
    assert (state.checkpoint_id, state.messages_archived) == ("1", 1)
    assert [row["set_aside"] for row in await rows_of(db, sync_progress)] == [None]


async def assert_all(db: Database) -> None:
    assert len(await rows_of(db, messages)) == len(REST) + 1
    assert len(await rows_of(db, attachments)) == len(REST)


async def limit_pages(db: Database, more: int) -> None:
    async with db.writing() as connection:
        used = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {used + more}"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("with_poison", [False, True])
@pytest.mark.slow
async def test_a_disk_that_gets_full(db: Database, way: Way, with_poison: bool) -> None:
    """Among the messages or among their files; also where the batch is looked through for what was refused."""
    await way.store(*FIRST)
    records = [POISON, *REST] if with_poison else REST
    for more in (3, 12, 30, 60):
        await limit_pages(db, more)
        with pytest.raises(DatabaseFull):
            await way.store(*records)
        await assert_only_first(db, way)
    await limit_pages(db, 10_000)
    await way.store(*records)
    await assert_all(db)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("with_poison", [False, True])
@pytest.mark.parametrize(
    ("sqlstate", "error"),
    [
        ("53100", DatabaseFull),
        ("40001", DatabaseBusy),
        ("40P01", DatabaseBusy),
        ("57014", DatabaseBusy),
        ("55P03", DatabaseBusy),
        ("08006", DatabaseUnreachable),
        ("57P01", DatabaseUnreachable),
        ("XX000", StorageError),
    ],
)
@pytest.mark.slow
async def test_a_server_that_fails(
    db: Database, way: Way, sqlstate: str, error: type[StorageError], with_poison: bool
) -> None:
    await way.store(*FIRST)
    records = [POISON, *REST] if with_poison else REST
    async with db.writing() as connection:
        for statement in (
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '{sqlstate}'; END $$",
            "CREATE TRIGGER fail BEFORE INSERT ON attachments FOR EACH ROW "
            "WHEN (NEW.platform_id = '150') EXECUTE FUNCTION fail()",
        ):
            await connection.execute(text(statement))
    with pytest.raises(error) as raised:
        await way.store(*records)
    assert not isinstance(raised.value, ValueRefused)
    await assert_only_first(db, way)
    async with db.writing() as connection:
        await connection.execute(text("DROP TRIGGER fail ON attachments"))
    await way.store(*records)
    await assert_all(db)


@pytest.mark.parametrize("error", [MemoryError, OSError])
async def test_a_machine_that_fails(db: Database, way: Way, error: type[Exception]) -> None:
    """However few messages a batch has."""
    await way.store(*FIRST)
    for records in (REST[:1], REST):
        with killed_before(db, "INSERT INTO attachments", error=error), pytest.raises(error):
            await way.store(*records)
        await assert_only_first(db, way)
    await way.store(*REST)
    await assert_all(db)
