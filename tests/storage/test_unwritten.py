"""What could not be written of live events is known, with its reason, until reading the messages has settled it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.records import MessageRecord, SkipReason
from storage.channels import channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.live import apply_changes, unwritten_events
from storage.messages import has_absent
from storage.repair import PageOutcome
from storage.tables import metadata, reaction_totals, refetch_ranges
from storage.tables import unwritten_events as ledger
from storage.tenants import purge_tenant, stop_tenant
from storage.unwritten import (
    OVERFLOWED,
    EventKind,
    OpenEntry,
    UnwrittenEvent,
    count_open_entries,
    note_unwritten,
    open_entries,
    open_entries_of,
    prune_entries,
    reason_of,
)
from tests.support.builders import NOW, SECOND, change, channel, message, reaction, total
from tests.support.live_steps import LATER, MUCH_LATER
from tests.support.repair_steps import Way
from tests.support.tables_of import count_of, only_row, rows_of, run_sql

NOTHING: Any = None
DAY = timedelta(days=1)
REFUSED = reason_of("ValueRefused")


def event(way: Way, message_id: str, kind: EventKind = EventKind.EDITED, channel_id: str = "5") -> UnwrittenEvent:
    return UnwrittenEvent(
        tenant_id=way.tenant.id,
        channel_platform_id=channel_id,
        message_platform_id=message_id,
        kind=kind,
        reason=OVERFLOWED if kind is EventKind.UNKNOWN else REFUSED,
    )


async def note(way: Way, *events: UnwrittenEvent) -> None:
    await note_unwritten(way.db, events, NOW)


async def entries(db: Database) -> list[tuple[str, str, int, str | None]]:
    rows = await rows_of(db, ledger)
    found = [(row["message_platform_id"], row["kind"], row["tries"], row["resolution"]) for row in rows]
    return sorted(found, key=lambda entry: (int(entry[0]), *map(str, entry[1:])))


async def read(way: Way, known: Sequence[OpenEntry], *shown: MessageRecord, **more: Any) -> PageOutcome:
    """Read the only range, with the entries that were open before it was requested."""
    return await way.save(await way.only(), *shown, entries=known, **more)


async def test_an_entry_says_why_and_its_message_is_read_again(db: Database, way: Way) -> None:
    await note(way, event(way, "7"), event(way, "7", EventKind.CREATED), event(way, "10"))
    row = next(row for row in await rows_of(db, ledger) if row["message_platform_id"] == "10")
    assert (row["code"], row["reason"]) == ("value_refused", "The database cannot hold a value of it.")
    assert (row["first_at"], row["last_at"], row["resolved_at"]) == (NOW, NOW, None)
    assert await way.ranges() == [("5", "6", "7"), ("5", "9", "10")], "also one that has no row"
    await note_unwritten(db, [replace(event(way, "10"), reason=reason_of("KeyError"))], LATER)
    assert await entries(db) == [("7", "created", 1, None), ("7", "edited", 1, None), ("10", "edited", 2, None)]
    row = next(row for row in await rows_of(db, ledger) if row["message_platform_id"] == "10")
    assert (row["code"], row["first_at"], row["last_at"]) == ("internal_error", NOW, LATER)
    assert (await count_open_entries(db), await open_entries_of(db, ["discord-404"])) == (3, {"discord-404": 0})


async def test_nothing_is_noted_of_what_is_not_archived(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [channel("6"), channel("7")], NOW)
    await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, NOW)
    await way.store(message(1))
    places = [("5", "1"), ("5", "2"), ("6", "1"), ("7", "1"), ("404", "1")]
    await note(way, *(event(way, message_id, EventKind.UNKNOWN, place) for place, message_id in places))
    assert await way.ranges() == [("5", "0", "1")], "of what is not stored nothing but its message is known"
    await note(way, *(event(way, "3", channel_id=place) for place in ("5", "7", "404")))
    assert [entry[0] for entry in await entries(db)] == ["1", "3"]
    await stop_tenant(db, way.tenant.id, LATER)
    await note(way, event(way, "4"))
    assert await entries(db) == [("1", "unknown", 1, "excluded"), ("3", "edited", 1, "excluded")]


async def test_reading_a_message_settles_it_in_the_same_transaction(db: Database, way: Way) -> None:
    await way.store(message(1), message(2))
    for message_id, shown, resolution in (("2", [message(2, content="new")], "stored"), ("1", [], "gone")):
        await note(way, event(way, message_id))
        await read(way, await open_entries(db, way.channel.id), *shown)
        row = next(row for row in await rows_of(db, ledger) if row["message_platform_id"] == message_id)
        assert (row["resolution"], row["resolved_at"]) == (resolution, LATER)
    assert await count_open_entries(db) == 0
    await note(way, event(way, "2"))
    assert [entry[3] for entry in await entries(db)] == ["gone", None, "stored"], "a later event is another entry"


async def test_a_new_message_that_was_refused_is_stored_by_reading_it(db: Database, way: Way) -> None:
    await way.store(message(1))
    await note(way, event(way, "9", EventKind.CREATED))
    known = await open_entries(db, way.channel.id)
    assert (await read(way, known, message(9))).missing == 1
    assert await entries(db) == [("9", "created", 1, "stored")]


async def test_what_came_after_the_page_was_requested_is_not_settled_by_it(db: Database, way: Way) -> None:
    await way.store(message(1), message(2))
    await note(way, event(way, "2"))
    known = await open_entries(db, way.channel.id)
    await note(way, event(way, "2"), event(way, "2", EventKind.REACTIONS))
    await read(way, known, message(2))
    assert await entries(db) == [("2", "edited", 2, None), ("2", "reactions", 1, None)]
    assert await way.plan() == 1, "the range that they came with was the one that was being read"
    known = await open_entries(db, way.channel.id)
    await read(way, known, message(2), touched={"2"})
    assert await count_open_entries(db) == 2, "nor what changed on the way"


@pytest.mark.slow
async def test_one_that_is_refused_again_stays_open_and_is_read_once_a_day(db: Database, way: Way) -> None:
    await way.store(message(1))
    await note(way, event(way, "9", EventKind.CREATED))
    known = await open_entries(db, way.channel.id)
    outcome = await read(way, known, message(9, type=NOTHING))
    assert outcome.set_aside == {"9"}
    assert await entries(db) == [("9", "created", 2, None)]
    assert ((await only_row(db, ledger))["last_at"], await way.pending()) == (LATER, [])
    assert await way.plan(now=LATER + DAY) == 0
    assert await way.plan(now=LATER + DAY + SECOND) == 1
    assert await way.plan(now=LATER + DAY + SECOND) == 0, "it is marked already"
    await read(way, await open_entries(db, way.channel.id), message(9))
    assert await entries(db) == [("9", "created", 2, "stored")]


async def test_one_that_is_shown_without_its_content_is_not_settled(db: Database, way: Way) -> None:
    await way.store(message(2))
    await note(way, event(way, "2"))
    await read(way, await open_entries(db, way.channel.id), message(2, content=""))
    assert await entries(db) == [("2", "edited", 2, None)]
    assert (await only_row(db, ledger))["code"] == "content_withheld"


async def test_who_reacted_is_fetched_again_where_the_number_is_the_same(db: Database, way: Way) -> None:
    await way.store(message(2, reaction_totals=(total("👍"),)))
    await run_sql(db, "UPDATE reaction_totals SET fetched_count = count")
    for kind, fetched in ((EventKind.EDITED, 1), (EventKind.REACTIONS, None)):
        await note(way, event(way, "2", kind))
        await read(way, await open_entries(db, way.channel.id), message(2, reaction_totals=(total("👍"),)))
        assert (await only_row(db, reaction_totals))["fetched_count"] == fetched


async def test_the_platforms_word_that_a_message_is_deleted_settles_it(db: Database, way: Way) -> None:
    await note(way, event(way, "2"), event(way, "3"))
    await apply_changes(db, [change(way.tenant.id, "5", "2", is_deleted=True)], LATER)
    assert await entries(db) == [("2", "edited", 1, "gone"), ("3", "edited", 1, None)]


async def test_a_channel_that_is_not_archived_any_more_excludes_its_entries(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [channel("6")], NOW)
    await note(way, event(way, "2"), event(way, "3", channel_id="6"))
    await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
    await way.plan()
    assert await entries(db) == [("2", "edited", 1, "excluded"), ("3", "edited", 1, None)]
    assert await count_of(db, refetch_ranges) == 2, "what is shown again is read"


async def test_a_message_that_is_missing_from_a_page_is_looked_for_twice(db: Database, way: Way) -> None:
    """Also one that has no row: it should be there."""
    await note(way, event(way, "10", EventKind.CREATED))
    ranges = [("9", "10", ()), ("8", "100", ("9",)), ("9", "10", ("10",)), ("10", "11", ())]
    found = [await has_absent(db, way.channel.id, after, until, shown=shown) for after, until, shown in ranges]
    assert found == [True, True, False, False]


async def test_old_ones_are_pruned_and_purged_ones_deleted(db: Database, way: Way) -> None:
    await note(way, event(way, "1"), event(way, "2"), event(way, "3"))
    gone = [change(way.tenant.id, "5", message_id, is_deleted=True) for message_id in ("2", "3")]
    await apply_changes(db, gone, LATER)
    assert await prune_entries(db, resolved_before=LATER) == 0
    assert [await prune_entries(db, resolved_before=MUCH_LATER, limit=1) for _ in range(3)] == [1, 1, 0]
    assert await entries(db) == [("1", "edited", 1, None)]
    await purge_tenant(db, way.tenant.id, MUCH_LATER)
    assert await count_of(db, ledger) == 0


async def test_what_is_set_aside_of_live_messages_is_noted_with_it(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in range(1, 5)))
    edits = {n: message(n, content="new", edited_at=LATER) for n in range(1, 5)}
    edits[3] = replace(edits[3], type=NOTHING)
    changes = [change(way.tenant.id, "5", str(n), edited=m, reactions=[reaction("u")]) for n, m in edits.items()]
    new = change(way.tenant.id, "5", "9", created=message(9, type=NOTHING), reactions=[reaction("u")])
    await apply_changes(db, [*changes, new], LATER)
    expected = [("3", "edited"), ("9", "created"), ("9", "reactions")]
    assert [entry[:2] for entry in await entries(db)] == expected
    assert await way.ranges() == [("5", "2", "3"), ("5", "8", "9")]


@pytest.mark.parametrize("error", ["ValueRefused", "StorageError", "TypeError"])
async def test_nothing_of_a_person_is_kept(db: Database, way: Way, error: str) -> None:
    who = "0123456789abcdef" * 4
    said = message(9, author_hash=who, content=f"I, <@{who}>")
    changed = change(way.tenant.id, "5", "9", created=said, edited=said, reactions=[reaction(who)])
    await note(way, *unwritten_events(changed, reason_of(error)))
    assert [entry[1] for entry in await entries(db)] == ["created", "edited", "reactions"]
    assert not [table.name for table in metadata.tables.values() if who in str(await rows_of(db, table))]


async def test_a_page_settles_those_of_its_range_alone(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in (8, 9, 10, 100)))
    await note(way, *(event(way, message_id) for message_id in ("100", "8", "10", "9")))
    ranges = {found.until_platform_id: found for found in await way.pending()}
    await way.save(ranges["9"], message(9), entries=await open_entries(db, way.channel.id))
    assert [entry[0] for entry in await entries(db) if entry[3] is None] == ["8", "10", "100"]


async def test_each_channel_has_its_own(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [channel("6")], NOW)
    await note(way, event(way, "2"), event(way, "2", channel_id="6"))
    found = {s.platform_id: await open_entries(db, s.id) for s in await channel_states(db, way.tenant.id)}
    assert {place: len(some) for place, some in found.items()} == {"5": 1, "6": 1}
