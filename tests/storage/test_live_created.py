"""New messages are stored as they are sent, beyond the checkpoint, and prove nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.records import SkipReason
from storage.channels import channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.jobs import release
from storage.live import apply_changes
from storage.privacy import erase_user
from storage.repair import GapReason, count_stored, record_gap
from storage.tables import attachments, messages, reaction_totals, reactions, refetch_ranges, sync_gaps, sync_progress
from tests.support.builders import HOUR, MINUTE, NOW, attachment, change, channel, message, reaction, thread, total
from tests.support.live_steps import LATER, MUCH_LATER, LiveChannel
from tests.support.tables_of import count_of, only_row, rows_of

NEW = message(9, content="new", attachments=(attachment("1"),), reply_to_message_platform_id="7")


async def contents(db: Database) -> list[tuple[str, str, bool]]:
    rows = await rows_of(db, messages)
    rows.sort(key=lambda row: int(row["platform_id"]))
    return [(row["platform_id"], row["content"], row["deleted_at"] is not None) for row in rows]


async def test_the_row_is_the_one_of_a_page_and_the_checkpoint_stays(db: Database, live: LiveChannel) -> None:
    await live.store(message(7))
    progress = await rows_of(db, sync_progress)
    await live.apply(9, created=NEW)
    early = await live.rows()
    assert await rows_of(db, sync_progress) == progress
    assert await contents(db) == [("7", "message 7", False), ("9", "new", False)]
    await live.apply(9, created=NEW, now=MUCH_LATER)
    assert await live.rows() == early, "a message may be sent twice"
    await live.store(message(8), NEW, now=MUCH_LATER)
    rows = await rows_of(db, messages)
    assert [(row["platform_id"], row["updated_at"]) for row in rows if row["platform_id"] == "9"] == [("9", LATER)]
    after = await only_row(db, sync_progress)
    assert (after["last_message_platform_id"], after["messages_archived"]) == ("9", 3), "each once"
    assert await count_of(db, attachments) == 1


async def test_its_other_events_apply_to_it_in_one_transaction(db: Database, live: LiveChannel) -> None:
    await live.apply(9, created=NEW, edited=replace(NEW, content="better", edited_at=LATER, attachments=()))
    await apply_changes(db, [change(live.tenant.id, "5", "10", created=message(10), reactions=[reaction("u")])], LATER)
    await live.apply(11, created=message(11), is_deleted=True)
    assert await contents(db) == [("9", "better", False), ("10", "message 10", False)]
    assert await count_of(db, attachments) == 0
    kind = await only_row(db, reaction_totals)
    assert (kind["count"], kind["fetched_count"], await count_of(db, reactions)) == (1, 1, 1), (
        "no list is to be fetched"
    )
    await live.apply(10, is_deleted=True)
    await live.apply(10, created=message(10), now=MUCH_LATER)
    assert (await contents(db))[1] == ("10", "message 10", True)


async def test_what_is_stored_already_is_never_replaced_by_what_was_sent_first(db: Database, live: LiveChannel) -> None:
    embeds = {"embeds": [{"title": "a preview, which is no edit"}]}
    await live.store(message(9, metadata=embeds, reaction_totals=(total("👍", 3),)))
    before = await live.rows()
    await live.apply(9, created=message(9))
    assert await live.rows() == before


async def test_nothing_is_stored_of_what_is_hidden_or_unknown(db: Database, live: LiveChannel) -> None:
    await save_channels(db, live.tenant.id, [channel("5"), thread("6", "5"), channel("7")], NOW)
    new = [change(live.tenant.id, place, "9", created=message(9)) for place in ("5", "6", "7", "404")]
    await apply_changes(db, new, LATER, owner="me", hidden={(live.tenant.id, "5")})
    (stored,) = await rows_of(db, messages)
    places = {state.id: state.platform_id for state in await channel_states(db, live.tenant.id)}
    assert places[stored["channel_id"]] == "7"
    await mark_skipped(db, live.tenant.id, ["5"], SkipReason.NOT_PUBLIC, LATER)
    await apply_changes(db, new, MUCH_LATER, owner="me")
    assert await count_of(db, messages) == 1


async def test_an_erased_person_stays_erased(db: Database, live: LiveChannel) -> None:
    gone = "f" * 64
    await live.store(message(7, author_hash=gone))
    await erase_user(db, gone, tenant_id=live.tenant.id, now=NOW)
    await live.apply(9, created=message(9, author_hash=gone, content="it is me"))
    assert [row["content"] for row in await rows_of(db, messages)] == ["", ""]
    assert gone not in str(await rows_of(db, messages))


async def test_a_change_beyond_the_checkpoint_is_read_again_where_another_process_reads(
    db: Database, live: LiveChannel
) -> None:
    """Its page may be older than the change, and be stored later."""
    await live.store(message(7), message(8))
    changed: list[dict[str, Any]] = [{"created": message(9)}, {"edited": message(9, content="better")}]
    for what, expected in zip(changed, ([], ["9"]), strict=True):
        await apply_changes(db, [change(live.tenant.id, "5", "9", **what)], LATER, owner="another than the job's")
        assert [row["until_platform_id"] for row in await rows_of(db, refetch_ranges)] == expected
    await apply_changes(db, [change(live.tenant.id, "5", "8", is_deleted=True)], LATER, owner="another than the job's")
    assert await count_of(db, refetch_ranges) == 1, "what was read is stored"


async def test_a_gap_is_repaired_beyond_the_checkpoint_too(db: Database, live: LiveChannel) -> None:
    """The sync reads on there, and does not see what was deleted."""
    await live.store(message(7))
    for number in (9, 10, 1000):
        await live.apply(number, created=message(number))
    await live.gap(NOW - HOUR + timedelta(seconds=5), NOW)
    assert await live.plan(MINUTE) == 1
    (gap,) = await live.pending()
    assert gap.until_platform_id == "1000"
    await live.save(gap, message(7), message(10), message(1000), reached="1000")
    deleted = [row["platform_id"] for row in await rows_of(db, messages) if row["deleted_at"]]
    assert deleted == ["9"]
    row = await only_row(db, sync_progress)
    assert (row["last_message_platform_id"], row["messages_archived"]) == ("7", 1)


async def test_a_channel_that_was_hidden_is_repaired_beyond_its_checkpoint(db: Database, live: LiveChannel) -> None:
    await live.store(message(7))
    await live.apply(9, created=message(9))
    await mark_skipped(db, live.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW - HOUR + timedelta(seconds=20))
    await save_channels(db, live.tenant.id, [channel("5")], MUCH_LATER)
    assert await live.plan(MINUTE) == 1
    assert [gap.until_platform_id for gap in await live.pending()] == ["9"]


async def test_an_audit_counts_up_to_the_checkpoint(db: Database, live: LiveChannel) -> None:
    """Else a message stored early would stand for one that is missing."""
    await live.store(message(7))
    await live.apply(10, created=message(10))
    assert await count_stored(db, live.channel.id) == 1
    await live.store(message(8), message(10))
    assert await count_stored(db, live.channel.id) == 3


async def test_a_gap_is_recorded_where_only_early_rows_are_stored(db: Database, live: LiveChannel) -> None:
    await live.apply(9, created=NEW)
    await release(db, live.lease, totals={}, now=LATER)
    assert await count_of(db, sync_progress) == 0
    await record_gap(db, live.tenant.id, GapReason.PROCESS_DOWN, began_at=None, ended_at=LATER, now=LATER)
    assert await count_of(db, sync_gaps) == 1, "it may have been changed or deleted meanwhile"
