"""Content that has had its time is removed and stays away, whatever is written; all else stays as it was."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage import live, messages, repair
from storage.database import Database, open_database
from storage.messages import stored_messages
from storage.privacy import erase_user
from storage.retention import advance, begin_sweep, find_retention, list_retentions, sweep_some
from storage.search import SearchQuery, Term, continue_index, explain, prepare_index, search
from storage.tables import attachments, content_retention, message_copies, reaction_totals
from storage.tables import messages as message_table
from storage.tenants import purge_tenant
from tests.support.archive_folder import everything_in
from tests.support.builders import HOUR, NOW, SECOND, SHA, change, message
from tests.support.erasure_steps import OTHER, WHO, another, copying
from tests.support.expiring import BEFORE, DAY, DAYS, WORD, rambling, says_it, sweep, talk, trusted
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import only_row, rows_of

_OF_CONTENT = ("content", "metadata", "updated_at")


def _structure(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OF_CONTENT}


@pytest.mark.slow
async def test_what_was_stored_is_removed_to_the_last_byte(db: Database, database_url: str, way: Way) -> None:
    await prepare_index(db, "words", NOW)
    await continue_index(db, NOW)
    old, kept = talk(1, BEFORE - DAY), [message(3000, sent_at=BEFORE), message(3001, sent_at=NOW)]
    gone = message(50, author_hash=WHO, sent_at=BEFORE - DAY)
    for start in range(100, 700, 60):
        await way.store(*rambling(start, 60))
    await way.store(*old, gone, *kept)
    await erase_user(db, WHO, tenant_id=None, now=NOW)
    folder = Path(database_url.partition("///")[2]).parent
    assert db.dialect != "sqlite" or WORD in everything_in(folder)
    before, totals = await rows_of(db, message_table), await rows_of(db, reaction_totals)
    copies = await rows_of(db, message_copies)
    assert {"messages", "attachments"} <= await says_it(db)
    await trusted(db, way.tenant.id)
    with killed_before(db, "UPDATE content_retention SET swept_before"), pytest.raises(Killed):
        await sweep(db, way.tenant.id, limit=100)
    with killed_before(db, "DELETE FROM attachments"), pytest.raises(Killed):
        await sweep(db, way.tenant.id, limit=100)
    known = await find_retention(db, way.tenant.id)
    assert known is not None
    assert await sweep_some(db, known, NOW, limit=100)
    known = await find_retention(db, way.tenant.id)
    assert known is not None
    assert 0 < known.messages_left <= len(before) - 2 - 100
    await sweep(db, way.tenant.id, limit=100)
    assert await says_it(db) == set()
    after = await rows_of(db, message_table)
    assert [_structure(row) for row in after] == [_structure(row) for row in before]
    assert (await rows_of(db, reaction_totals), await rows_of(db, message_copies)) == (totals, copies)
    by_id = {row["platform_id"]: row for row in after}
    assert by_id["50"]["metadata"] == {"forgotten": True}
    assert [by_id[m.platform_id]["content"] for m in kept] == ["message 3000", "message 3001"]
    assert [by_id[str(n)]["metadata"] for n in range(3, 7)] == [
        {"flags": 4, "pinned": True, "content_removed": True},
        {"mentions": [OTHER], "content_removed": True},
        {"reference": {"channel_id": "5", "message_id": "1"}, "forward": {"content_removed": True}}
        | {"content_removed": True},
        {"interaction": {"type": 2, "user_hash": OTHER}, "content_removed": True},
    ]
    state = await only_row(db, content_retention)
    assert (state["content_before"], state["swept_before"], state["cleaned_before"]) == (BEFORE, BEFORE, BEFORE)
    assert (state["messages_left"], state["messages_emptied"], state["swept_at"]) == (0, 607, NOW)
    page = await search(db, way.tenant.id, SearchQuery(terms=(Term(text=WORD),)))
    assert (page.hits, page.is_cut) == ((), False)
    assert (await explain(db, way.tenant.id, SearchQuery(terms=(Term(text=WORD),)))).content_before == BEFORE
    if db.dialect == "sqlite":
        assert WORD not in everything_in(folder)


@pytest.mark.slow
async def test_nothing_that_is_written_brings_it_back_or_is_told_as_changed(db: Database, way: Way) -> None:
    """A tenant without messages is settled at once, so that a first sync stores no old content at all."""
    await advance(db, way.tenant.id, DAYS, NOW)
    old, new = talk(1, BEFORE - DAY), talk(100, BEFORE)
    await way.store(*old)
    await way.store(*old)
    assert await says_it(db) == set()
    first = await rows_of(db, message_table)
    found = await way.save(await way.audit(), *old)
    assert (found.seen, found.missing, found.changed, found.deleted) == (7, 0, 0, 0)
    assert await rows_of(db, message_table) == first
    edited = [replace(record, content=f"{WORD} edited", edited_at=LATER) for record in old]
    late = message(90, content=WORD, sent_at=BEFORE - HOUR)
    changes = [change(way.tenant.id, "5", m.platform_id, edited=m) for m in edited]
    await live.apply_changes(db, [*changes, change(way.tenant.id, "5", "90", created=late)], LATER)
    await messages.renew_links(db, way.tenant.id, way.channel.id, old, LATER)
    assert await says_it(db) == set()
    rows = {row["platform_id"]: row for row in await rows_of(db, message_table)}
    assert (rows["2"]["content"], rows["2"]["edited_at"], rows["90"]["content"]) == ("", LATER, "")
    sample = repair.Sample(channel_id=way.channel.id, message_ids=("1", "2", "3", "4", "5", "6", "7"))
    assert await repair.differences(db, way.tenant.id, sample, edited, "7") == set()
    await way.store(*new)
    assert {row["message_platform_id"] for row in await rows_of(db, attachments)} == {m.platform_id for m in new}


@pytest.mark.slow
async def test_a_message_that_has_had_its_time_meanwhile_was_not_changed(db: Database, way: Way) -> None:
    old = talk(1, BEFORE - DAY)
    await way.store(*old)
    audit = await way.audit()
    await trusted(db, way.tenant.id)
    found = await way.save(audit, *old)
    assert (found.seen, found.changed, await says_it(db)) == (7, 0, set())
    await sweep(db, way.tenant.id)
    assert (await only_row(db, content_retention))["messages_emptied"] == 0


@pytest.mark.slow
async def test_a_batch_that_is_on_its_way_while_the_time_passes_is_swept(db: Database, way: Way) -> None:
    """Its transaction read the time before, and the sweep waits for it."""
    await trusted(db, way.tenant.id)
    await sweep(db, way.tenant.id)
    passing = talk(1, BEFORE + HOUR)

    async def pass_and_sweep() -> None:
        await trusted(db, way.tenant.id, now=NOW + DAY)
        await sweep(db, way.tenant.id, limit=2)

    async with db.writing() as connection:
        prepared = await messages.prepare(connection, {(way.tenant.id, way.channel.id): passing})
        sweeping = asyncio.create_task(pass_and_sweep())
        assert not (await asyncio.wait({sweeping}, timeout=0.5))[0]
        await messages.write_messages(connection, prepared, NOW)
    await sweeping
    assert await says_it(db) == set()
    assert (await only_row(db, content_retention))["messages_emptied"] == len(passing)
    await way.store(*passing)
    assert await says_it(db) == set()


async def test_a_sweep_goes_only_as_far_as_it_has_waited_for(db: Database, way: Way) -> None:
    await way.store(*talk(1, BEFORE - DAY), *talk(20, BEFORE + HOUR))
    await trusted(db, way.tenant.id)
    (known,) = await list_retentions(db)
    await begin_sweep(db, known)
    await trusted(db, way.tenant.id, now=NOW + DAY)  # as another process, or a sync that begins, may do
    while await sweep_some(db, known, NOW):
        pass
    (known,) = await list_retentions(db)
    assert (known.content_before, known.swept_before, known.is_swept) == (BEFORE + DAY, BEFORE, False)
    assert await says_it(db) == {"messages", "attachments"}
    await sweep(db, way.tenant.id)
    assert await says_it(db) == set()


@pytest.mark.process
@pytest.mark.slow
async def test_a_killed_process_is_gone_on_from(db: Database, database_url: str, way: Way) -> None:
    await way.store(*(replace(m, sent_at=m.sent_at - n * SECOND) for n, m in enumerate(rambling(1, 300))))
    await trusted(db, way.tenant.id)
    await db.close()  # a file has one process
    program = (
        "import asyncio, tests.support.expiring as e;"
        f" asyncio.run(e.sweep_until_killed({database_url!r}, {way.tenant.id!r}))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"a step\n"
    process.kill()
    await process.wait()
    again = await open_database(database_url, hash_choice=SHA)
    (known,) = await list_retentions(again)
    filled = sum(WORD in row["content"] for row in await rows_of(again, message_table))
    assert known.messages_emptied == 300 - filled > 0
    await sweep(again, way.tenant.id)
    assert await says_it(again) == set()
    assert (await only_row(again, content_retention))["messages_emptied"] == 300
    await again.close()


async def test_each_tenant_has_its_own_time_and_it_never_goes_back(db: Database, way: Way) -> None:
    other = await another(way)
    await way.store(*talk(1, BEFORE - DAY))
    await other.store(*talk(1, BEFORE - DAY))
    await trusted(db, way.tenant.id)
    await trusted(db, other.tenant.id, days=DAYS + 2)
    for each in (way, other):
        await sweep(db, each.tenant.id)
    assert {row["tenant_id"] for row in await rows_of(db, message_table) if row["content"]} == {other.tenant.id}
    await trusted(db, way.tenant.id, days=DAYS + 300, now=NOW + DAY)
    assert [known.content_before for known in await list_retentions(db)] == [BEFORE, BEFORE - 2 * DAY]
    await way.store(*talk(20, BEFORE - DAY))
    rows = await rows_of(db, message_table)
    assert not any(row["content"] for row in rows if row["tenant_id"] == way.tenant.id)
    await purge_tenant(db, way.tenant.id, LATER)
    assert [row["tenant_id"] for row in await rows_of(db, content_retention)] == [other.tenant.id]


async def test_a_clock_that_jumps_for_a_moment_removes_nothing(db: Database, way: Way) -> None:
    await way.store(*talk(1, NOW))
    for ahead in (0 * HOUR, HOUR, 2 * HOUR, 20_000 * DAY, 3 * HOUR, 4 * HOUR):
        await advance(db, way.tenant.id, 1, NOW + ahead)
    (known,) = await list_retentions(db)
    assert known.content_before == NOW.replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    assert known.is_due(NOW + 5 * HOUR)
    assert not known.is_due(NOW + 4.5 * HOUR)


@pytest.mark.slow
async def test_a_copy_of_a_copy_still_goes_with_its_original(db: Database, way: Way) -> None:
    """The forward in between has lost its words; what it repeats is known all the same."""
    theirs = message(1, author_hash=WHO, content=WORD, sent_at=BEFORE - DAY)

    def forward(number: int, of: str) -> Any:
        shown = {"reference": {"channel_id": "5", "message_id": of}, "forward": {"content": WORD}}
        return copying(message(number, author_hash=OTHER, content="", metadata=shown))

    await way.store(theirs, replace(forward(2, "1"), sent_at=BEFORE - DAY), replace(forward(3, "2"), sent_at=NOW))
    await trusted(db, way.tenant.id)
    await sweep(db, way.tenant.id)
    assert await says_it(db) == {"messages"}  # the newer one has a time of its own
    await erase_user(db, WHO, tenant_id=None, now=LATER)
    assert await says_it(db) == set()
    await way.store(theirs, replace(forward(2, "1"), sent_at=BEFORE - DAY), replace(forward(4, "2"), sent_at=NOW))
    assert await says_it(db) == set()
    async with db.reading() as connection:
        stored = await stored_messages(connection, way.channel.id, ["2"])
    assert stored["2"].record.metadata["forward"] == {"forgotten": True}


async def test_what_was_emptied_by_storing_it_again_is_still_to_go_from_the_files(db: Database, way: Way) -> None:
    await way.store(*talk(1, BEFORE - DAY))
    await trusted(db, way.tenant.id)
    await way.store(*talk(1, BEFORE - DAY))
    known = await find_retention(db, way.tenant.id)
    assert known is not None
    assert not await sweep_some(db, known, NOW)
    known = await find_retention(db, way.tenant.id)
    assert known is not None
    assert (known.is_swept, known.is_clean) == (True, False)
