"""The index for searching holds exactly what the archive holds, by whatever road that came or went."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import text

from storage.database import Database, open_database
from storage.errors import SearchIndexDamaged, SearchUnavailable
from storage.live import apply_changes
from storage.messages import mark_deleted
from storage.privacy import erase_user
from storage.search import IndexState, continue_index, index_state, prepare_index
from storage.tenants import purge_tenant
from tests.support.builders import NOW, SECOND, SHA, change, message
from tests.support.erasure_steps import OTHER, WHO, another
from tests.support.postgres import Postgres
from tests.support.repair_steps import LATER, Way
from tests.support.searched import offers_trigrams
from tests.support.tables_of import run_sql

WORDS = ("apple", "bread", "Straße", "dog", "日本", "e", f"<@{WHO}>", "")


_CHECK = text("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)")


async def require_whole(db: Database) -> None:
    """FTS5's own comparison of the index with every row; a row of it that is missing or too many is an error."""
    if db.dialect != "sqlite":
        return
    async with db.writing() as connection:
        await connection.execute(
            text("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)")
        )
        assert (await connection.execute(text("SELECT count(*) FROM message_search_queue"))).scalar_one() == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["words", "trigrams"])
async def test_after_any_history_it_is_equal_to_the_messages(db: Database, way: Way, kind: str) -> None:
    if db.dialect != "sqlite":
        return  # the server keeps it
    chance = random.Random(kind)
    elsewhere = await another(way)
    await way.store(*(message(n, content=chance.choice(WORDS)) for n in range(1, 60)))
    await prepare_index(db, kind, NOW)  # type: ignore[arg-type] # one of the two

    async def store(place: Way) -> None:
        numbers = sorted(chance.sample(range(1, 400), 25))
        records = [message(n, content=" ".join(chance.choices(WORDS, k=3)), author_hash=OTHER) for n in numbers]
        records[0] = replace(records[0], author_hash=WHO)
        records[1] = replace(records[1], sent_at=NOW + chance.choice([-1, 1]) * 10**9 * SECOND)
        await place.store(*records)

    async def edit() -> None:
        number = str(chance.randrange(1, 400))
        edited = message(int(number), content=chance.choice(WORDS), edited_at=LATER)
        await apply_changes(db, [change(way.tenant.id, "5", number, edited=edited)], LATER)

    async def remove_newest() -> None:  # whose ids the next ones get
        await run_sql(db, "DELETE FROM messages WHERE id > (SELECT max(id) - 7 FROM messages)")

    roads = [
        lambda: store(way),
        lambda: store(elsewhere),
        edit,
        lambda: mark_deleted(db, way.channel.id, ["3", "4"], job=way.lease, now=NOW),
        remove_newest,
        lambda: continue_index(db, NOW, step=20),
        lambda: erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER, window=50),
        lambda: run_sql(db, "DELETE FROM messages WHERE id % 5 = 0"),
    ]
    for _ in range(60):
        await chance.choice(roads)()
    while await continue_index(db, NOW, step=50):
        pass
    await require_whole(db)
    await purge_tenant(db, elsewhere.tenant.id, LATER)
    await require_whole(db)
    await run_sql(db, "DELETE FROM tenants")  # and all below it by the foreign keys
    await require_whole(db)
    assert await index_state(db) == IndexState(kind=kind, is_ready=True, percent=100)  # type: ignore[arg-type]


async def test_it_is_built_beside_all_else_and_goes_on_where_it_was_killed(
    db: Database, database_url: str, way: Way
) -> None:
    await way.store(*(message(n) for n in range(1, 101)))
    assert (await index_state(db)).kind is None
    await prepare_index(db, "words", NOW)
    assert await index_state(db) == IndexState(kind="words", is_ready=False, percent=0)
    if db.dialect == "sqlite":
        assert await continue_index(db, NOW, step=30)
        assert (await index_state(db)).percent == 30
    await db.close()
    again = await open_database(database_url, hash_choice="sha256")
    await prepare_index(again, "words", NOW)
    while await continue_index(again, NOW, step=30):
        pass
    assert await index_state(again) == IndexState(kind="words", is_ready=True, percent=100)
    await require_whole(again)
    await prepare_index(again, None, NOW)
    assert (await index_state(again)).kind is None
    assert await _traces(again) == 0
    await again.close()


async def test_a_step_indexes_fewer_messages_where_they_are_long(db: Database, way: Way) -> None:
    if db.dialect != "sqlite":
        return
    await way.store(*(message(n, content="apple " * (50_000 if n % 2 else 1)) for n in range(1, 5)))
    await prepare_index(db, "words", NOW)
    assert await continue_index(db, NOW)
    assert (await index_state(db)).percent == 40  # two of four: one that is short, and the long one behind it
    while await continue_index(db, NOW):
        pass
    await require_whole(db)


async def test_a_build_that_was_broken_off_is_begun_again(db: Database, way: Way) -> None:
    await way.store(message(1))
    await prepare_index(db, "words", NOW)
    await continue_index(db, NOW)
    broken = {
        "sqlite": "DROP TRIGGER message_search_inserted",  # as a migration does that makes the table anew
        "postgresql": "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'ix_messages_words'::regclass",
    }
    await run_sql(db, broken[db.dialect])
    await prepare_index(db, "words", NOW)
    assert not (await index_state(db)).is_ready
    while await continue_index(db, NOW):
        pass
    assert (await index_state(db)).is_ready
    await require_whole(db)


async def test_what_the_database_cannot_keep_is_said(db: Database, way: Way) -> None:
    await way.store(message(1))
    await prepare_index(db, "trigrams", NOW)
    if await offers_trigrams(db):
        while await continue_index(db, NOW):
            pass
        assert await index_state(db) == IndexState(kind="trigrams", is_ready=True, percent=100)
    else:
        with pytest.raises(SearchUnavailable, match="does not offer: install its contrib package"):
            await continue_index(db, NOW)
    await prepare_index(db, "words", NOW)
    assert (await index_state(db)).kind == "words"
    assert db.dialect == "sqlite" or await _traces(db, "trigrams") == 0


async def test_a_user_who_may_not_add_what_trigrams_need_is_told(postgres: Postgres) -> None:
    url = postgres.create_database()
    postgres.execute(url, "CREATE ROLE writer LOGIN")
    try:
        postgres.execute(url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO writer")
        postgres.execute(url, "GRANT ALL ON SCHEMA public TO writer")
        db = await open_database(url.replace("postgres@", "writer@"), hash_choice="sha256")
        await prepare_index(db, "trigrams", NOW)
        said = "CREATE EXTENSION pg_trgm" if await offers_trigrams(db) else "contrib package"
        try:
            with pytest.raises(SearchUnavailable, match=said):
                await continue_index(db, NOW)
        finally:
            await db.close()
    finally:
        postgres.execute(url, "DROP OWNED BY writer")
        postgres.execute(url, "DROP ROLE writer")


@pytest.mark.slow
async def test_a_damaged_index_is_noticed_and_can_be_made_anew(db: Database, database_url: str, way: Way) -> None:
    """Or the checks above would hold nothing."""
    if db.dialect != "sqlite":
        return
    await prepare_index(db, "words", NOW)
    await continue_index(db, NOW)
    await way.store(message(1, content="apple"))
    with closing(sqlite3.connect(database_url.partition("///")[2])) as other:
        other.execute("DELETE FROM message_search_docsize")
        other.execute("DELETE FROM message_search_data WHERE id = 10")  # what its parts are
        other.commit()
    with pytest.raises(SearchIndexDamaged):
        await require_whole(db)
    with pytest.raises(SearchIndexDamaged, match=r"Start once with \[search\] enabled = false"):
        await way.store(message(1, content="banana"))
    await db.close()
    again = await open_database(database_url, hash_choice=SHA)  # a connection that has not opened the table before
    await prepare_index(again, None, NOW)
    assert await _traces(again) == 0
    await prepare_index(again, "words", NOW)
    while await continue_index(again, NOW):
        pass
    await require_whole(again)
    await again.close()


async def _traces(db: Database, kind: str = "words") -> int:
    catalog = {
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE name LIKE 'message_search%'",
        "postgresql": f"SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_messages_{kind}'",  # noqa: S608
    }
    async with db.reading() as connection:
        return int((await connection.execute(text(catalog[db.dialect]))).scalar_one())
