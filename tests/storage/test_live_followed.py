"""In a channel that is followed a new message moves the checkpoint; in no other."""

from collections.abc import Collection
from typing import Any

import pytest

from adapters.records import SkipReason
from storage.channels import channel_state, finish_channel, mark_skipped, save_changed_channels, save_channels
from storage.database import Database
from storage.live import Applied, apply_changes, catch_up, count_followed
from storage.tables import refetch_ranges, sync_progress
from tests.support.builders import MINUTE, NOW, change, channel, message, skipped, thread
from tests.support.faults import Killed, killed_before
from tests.support.live_steps import LATER, MUCH_LATER, LiveChannel
from tests.support.tables_of import rows_of


async def read_to_end(db: Database, live: LiveChannel, *numbers: int) -> None:
    await live.store(*map(message, numbers))
    await finish_channel(db, live.channel.id, deleted_head_id=None, job=live.lease, now=NOW)


async def checkpoint(db: Database, channel_id: int) -> tuple[str | None, int]:
    row = next(row for row in await rows_of(db, sync_progress) if row["channel_id"] == channel_id)
    return row["last_message_platform_id"], row["messages_archived"]


async def follow(db: Database, live: LiveChannel, *changes: Any, hidden: Collection[Any] = ()) -> Applied:
    followed = {one.channel for one in changes}
    return await apply_changes(db, changes, LATER, followed=followed, hidden=hidden)


def created(live: LiveChannel, number: int, place: str = "5", **what: Any) -> Any:
    return change(live.tenant.id, place, str(number), created=message(number), **what)


async def test_the_checkpoint_moves_with_the_newest_message_and_never_back(db: Database, live: LiveChannel) -> None:
    await read_to_end(db, live, 7)
    await follow(db, live, created(live, 10), created(live, 9))
    assert await checkpoint(db, live.channel.id) == ("10", 3)
    for number in (8, 10):
        await follow(db, live, created(live, number))
        assert await checkpoint(db, live.channel.id) == ("10", 4), "one is late, one came twice"
    await follow(db, live, created(live, 11, is_deleted=True))
    assert await checkpoint(db, live.channel.id) == ("11", 4), "it was gone before it was stored"
    state = await channel_state(db, live.channel.id)
    assert state is not None
    assert state.is_read_to_end


async def test_a_message_of_an_event_and_of_a_page_counts_once(db: Database, live: LiveChannel) -> None:
    """The page was requested before the event came, and is stored after it; it shows one more, which is late."""
    await read_to_end(db, live, 7)
    await follow(db, live, created(live, 9), created(live, 10))
    await live.store(*map(message, (8, 9, 10, 11)), now=MUCH_LATER)
    assert await checkpoint(db, live.channel.id) == ("11", 5)
    await live.store(*map(message, (10, 11)), now=MUCH_LATER + MINUTE)
    assert await checkpoint(db, live.channel.id) == ("11", 5)


async def test_it_is_committed_with_the_messages_or_not_at_all(db: Database, live: LiveChannel) -> None:
    await read_to_end(db, live, 7)
    before = await live.rows()
    for statement in ("UPDATE sync_progress", "INSERT INTO refetch_ranges"):  # the one behind the other
        with killed_before(db, statement), pytest.raises(Killed):
            await follow(db, live, created(live, 9, is_invalidated=True))
        assert await live.rows() == before
    await follow(db, live, created(live, 9))
    assert await checkpoint(db, live.channel.id) == ("9", 2)


async def test_it_stays_where_the_channel_was_not_read_to_its_end(db: Database, live: LiveChannel) -> None:
    await live.store(message(7))
    await follow(db, live, created(live, 9))
    assert await checkpoint(db, live.channel.id) == ("7", 1)
    await save_channels(db, live.tenant.id, [channel("5"), channel("6")], NOW)
    await follow(db, live, created(live, 9, place="6"))
    assert len(await rows_of(db, sync_progress)) == 1


async def test_channels_that_are_not_archived_are_named(db: Database, live: LiveChannel) -> None:
    await save_channels(db, live.tenant.id, [channel("5"), thread("6", "5"), channel("7")], NOW)
    await read_to_end(db, live, 7)
    new = [created(live, 9, place=place) for place in ("5", "6", "7", "404")]
    applied = await follow(db, live, *new, hidden={(live.tenant.id, "5")})
    assert applied.left_out == {(live.tenant.id, place) for place in ("5", "6", "404")}, "a thread of a hidden one too"
    assert await checkpoint(db, live.channel.id) == ("7", 1)
    gone = change(live.tenant.id, "404", "9", is_deleted=True)
    assert not (await apply_changes(db, [gone], LATER)).left_out


async def test_a_channel_that_was_skipped_is_read_before_it_is_followed_again(db: Database, live: LiveChannel) -> None:
    await save_channels(db, live.tenant.id, [channel("5"), thread("6", "5")], NOW)
    await save_changed_channels(db, live.tenant.id, [thread("8", "5")], NOW, new={"8"})
    await read_to_end(db, live, 7)
    await save_changed_channels(db, live.tenant.id, [skipped(channel("5"), SkipReason.NOT_PUBLIC)], LATER)
    await save_channels(db, live.tenant.id, [channel("5"), thread("6", "5"), thread("8", "5")], MUCH_LATER)
    assert [row["is_read_to_end"] for row in await rows_of(db, sync_progress)] == [False, False]
    await follow(db, live, created(live, 12), created(live, 13, place="8"))
    assert await checkpoint(db, live.channel.id) == ("7", 1)

    await finish_channel(db, live.channel.id, deleted_head_id=None, job=live.lease, now=NOW)
    await mark_skipped(db, live.tenant.id, ["5"], SkipReason.DELETED, MUCH_LATER)
    assert [row["is_read_to_end"] for row in await rows_of(db, sync_progress)] == [False, False]


async def test_a_listing_that_skips_a_channel_reopens_it(db: Database, live: LiveChannel) -> None:
    await read_to_end(db, live, 7)
    await save_channels(db, live.tenant.id, [skipped(channel("5"), SkipReason.NOT_PUBLIC)], LATER)
    assert [row["is_read_to_end"] for row in await rows_of(db, sync_progress)] == [False]


async def test_a_new_channel_needs_no_reading(db: Database, live: LiveChannel) -> None:
    hidden = skipped(channel("7"), SkipReason.NOT_PUBLIC)
    await save_changed_channels(db, live.tenant.id, [channel("6"), hidden], LATER, new={"6", "7"})
    (row,) = await rows_of(db, sync_progress)
    assert (row["state"], row["is_read_to_end"], row["last_message_platform_id"]) == ("complete", True, None)
    await follow(db, live, created(live, 9, place="6"))
    assert await checkpoint(db, row["channel_id"]) == ("9", 1)
    await save_changed_channels(db, live.tenant.id, [channel("6", name="again")], MUCH_LATER, new={"6"})
    assert await checkpoint(db, row["channel_id"]) == ("9", 1)


async def test_a_checkpoint_catches_up_with_what_was_stored_beyond_it(db: Database, live: LiveChannel) -> None:
    await read_to_end(db, live, 7)
    for number in (9, 10, 12):
        await live.apply(number, created=message(number))
    await catch_up(db, live.tenant.id, {"5": ("10", NOW), "404": ("10", NOW)}, (), MUCH_LATER)
    assert await checkpoint(db, live.channel.id) == ("10", 3)
    await catch_up(db, live.tenant.id, {"5": ("12", NOW)}, {"5"}, MUCH_LATER)
    assert await checkpoint(db, live.channel.id) == ("10", 3), "it has to be read first"
    await catch_up(db, live.tenant.id, {}, (), MUCH_LATER)


async def test_what_is_followed_is_counted(db: Database, live: LiveChannel) -> None:
    records = [channel("5"), thread("6", "5"), skipped(channel("7"), SkipReason.NOT_PUBLIC)]
    await save_channels(db, live.tenant.id, records, NOW)
    await read_to_end(db, live, 7)
    assert await count_followed(db, live.tenant.id, ()) == (1, 2)
    assert await count_followed(db, live.tenant.id, {"5"}) == (0, 2)


async def test_the_head_of_a_thread_that_is_not_listed_is_no_news(db: Database, live: LiveChannel) -> None:
    await save_changed_channels(db, live.tenant.id, [thread("6", "5", last_message_platform_id="8")], NOW, new={"6"})
    (row,) = await rows_of(db, sync_progress)
    state = await channel_state(db, row["channel_id"])
    assert state is not None
    assert state.has_news, "its first message had no event yet"
    await follow(db, live, created(live, 8, place="6"), created(live, 9, place="6"))
    state = await channel_state(db, row["channel_id"])
    assert state is not None
    assert not state.has_news


async def test_a_head_that_was_not_received_stays_news(db: Database, live: LiveChannel) -> None:
    await save_channels(db, live.tenant.id, [channel("5", last_message_platform_id="7")], NOW)
    await read_to_end(db, live, 7)
    await save_channels(db, live.tenant.id, [channel("5", last_message_platform_id="9")], LATER)
    for number in (8, 7):
        await follow(db, live, created(live, number))
        state = await channel_state(db, live.channel.id)
        assert state is not None
        assert state.has_news, "its event has not come, and may never do"


async def test_a_message_that_was_missed_is_read_by_its_id_wherever_the_checkpoint_is(
    db: Database, live: LiveChannel
) -> None:
    await read_to_end(db, live, 7, 9)
    await apply_changes(db, [change(live.tenant.id, "5", "8", is_missed=True)], LATER)
    assert [row["until_platform_id"] for row in await rows_of(db, refetch_ranges)] == ["8"]


async def test_a_channel_that_is_hidden_while_it_is_read_is_not_read_to_its_end(
    db: Database, live: LiveChannel
) -> None:
    await live.store(message(7))
    await mark_skipped(db, live.tenant.id, ["5"], SkipReason.NOT_PUBLIC, LATER)
    await finish_channel(db, live.channel.id, deleted_head_id=None, job=live.lease, now=NOW)
    assert [row["is_read_to_end"] for row in await rows_of(db, sync_progress)] == [False]
