"""Nothing of an erased person is left in any byte of a SQLite archive's files."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.channels import save_channels
from storage.database import Database, open_database
from storage.errors import StorageError
from storage.privacy import ErasureRequest, erase_user, fulfil_request, list_requests, record_request
from storage.search import continue_index, prepare_index
from storage.tenants import purge_tenant, unfinished_purges
from tests.support.archive_folder import everything_in
from tests.support.builders import NOW, attachment, message, thread
from tests.support.erasure_steps import OTHER, WHO, copying
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import run_sql

WORD = "unmistakable"


async def filled(way: Way) -> None:
    """Store messages of all lengths in an odd order, and edit some, so that pages are split and rewritten."""
    await prepare_index(way.db, "words", NOW)
    await continue_index(way.db, NOW)
    chance = random.Random(3)  # by which, without the file being rebuilt, something is left in split pages
    numbers = list(range(1, 1200))
    chance.shuffle(numbers)
    for start in range(0, len(numbers), 60):
        for step in ("first", "edited"):
            batch = [
                message(
                    n,
                    author_hash=WHO if n % 4 == 0 else OTHER,
                    content=f"{WORD if n % 4 == 0 else 'other'} {step} " * chance.choice([1, 10, 60, 500]),
                    attachments=(attachment(str(n), filename=f"{WORD}-{n}.png"),) if n % 8 == 0 else (),
                )
                for n in numbers[start : start + 60]
            ]
            await way.store(*sorted(batch, key=lambda m: int(m.platform_id)))
    await save_channels(way.db, way.tenant.id, [thread("4", "5", name=f"{WORD} title")], NOW)
    forward = {"reference": {"channel_id": "5", "message_id": "8"}, "forward": {"content": f"{WORD} forwarded"}}
    await way.store(copying(message(5000, author_hash=OTHER, metadata=forward)))


async def words_in_index(db: Database) -> int:
    async with db.reading() as connection:
        blocks = await connection.exec_driver_sql("SELECT block FROM message_search_data")
        return sum(WORD.encode() in block for block in blocks.scalars())


def folder_of(url: str) -> Path:
    return Path(url.partition("///")[2]).parent


@pytest.mark.slow
async def test_no_byte_is_left(db: Database, database_url: str, way: Way) -> None:
    if db.dialect != "sqlite":
        return  # what a server keeps until it vacuums is told in docs/guarantees.md
    await filled(way)
    folder = folder_of(database_url)
    assert WORD in everything_in(folder)
    await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER)
    assert WORD not in everything_in(folder)
    (request,) = await list_requests(db)
    assert (request.swept_at, request.completed_at) == (LATER, LATER)
    await db.close()
    assert WORD not in everything_in(folder)


@pytest.mark.slow
async def test_a_reader_holds_up_the_end_of_an_erasure_alone(db: Database, database_url: str, way: Way) -> None:
    if db.dialect != "sqlite":
        return
    await filled(way)
    folder = folder_of(database_url)
    with closing(sqlite3.connect(folder / "archive.db", isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM messages").fetchall()
        await erase_user(db, WHO, tenant_id=None, now=LATER)
        (request,) = await list_requests(db, unfinished=True)
        assert (request.swept_at, request.completed_at) == (LATER, None)
        await way.store(message(6000))
    ended: ErasureRequest = await fulfil_request(db, request, clock=lambda: LATER)
    assert ended.completed_at == LATER
    assert WORD not in everything_in(folder)


@pytest.mark.slow
async def test_a_reader_that_is_about_to_end_is_waited_for(db: Database, database_url: str) -> None:
    if db.dialect != "sqlite":
        return
    with closing(sqlite3.connect(folder_of(database_url) / "archive.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchall()
        assert not await db.empty_log()
        asyncio.get_running_loop().call_later(0.3, reader.rollback)
        assert await db.empty_log()


async def test_what_is_replaced_is_overwritten_however_sqlite_was_built(db: Database) -> None:
    if db.dialect != "sqlite":
        return
    async with db.writing() as connection:
        assert (await connection.exec_driver_sql("PRAGMA secure_delete")).scalar_one() == 1


@pytest.mark.slow
async def test_a_purged_tenant_leaves_no_byte_either(db: Database, database_url: str, way: Way) -> None:
    if db.dialect != "sqlite":
        return
    await filled(way)
    # A purge is killed when the messages are gone, and the next one behind that: the words are not in the index then.
    await run_sql(db, "UPDATE tenants SET purged_at = updated_at")
    await run_sql(db, "DELETE FROM messages")
    await run_sql(db, "CREATE TRIGGER kill BEFORE DELETE ON channels BEGIN SELECT RAISE(ABORT, 'killed'); END")
    assert await words_in_index(db) > 0
    with pytest.raises(StorageError):
        await purge_tenant(db, way.tenant.id, LATER)
    assert await words_in_index(db) == 0
    assert await unfinished_purges(db) == [way.tenant.id]
    await run_sql(db, "DROP TRIGGER kill")
    await purge_tenant(db, way.tenant.id, LATER)
    await db.empty_log()
    assert WORD not in everything_in(folder_of(database_url))


async def test_an_erasure_is_resumed_where_the_process_was_killed(db: Database, database_url: str, way: Way) -> None:
    await way.store(message(1, author_hash=WHO, content=WORD))
    await record_request(db, WHO, tenant_id=None, now=NOW)
    await db.close()
    again = await open_database(database_url, hash_choice="sha256")
    (request,) = await list_requests(again, unfinished=True)
    ended = await fulfil_request(again, request, clock=lambda: LATER)
    assert (ended.requested_at, ended.completed_at, ended.removed.messages) == (NOW, LATER, 1)
    assert await list_requests(again, unfinished=True) == []
    await again.close()
