"""Reading a channel: windows from any place in it, and what is shown around its messages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storage import reading
from storage.database import Database
from storage.reading import HoleKind, MessageWindow, ShownChannel
from tests.support.builders import NOW, SECOND, message
from tests.support.repair_steps import Way
from tests.support.talk import ANN, BOB, DAY, MORNING, NUMBERS, fill_talk


@pytest.fixture
async def room(way: Way) -> ShownChannel:
    return await fill_talk(way)


def numbers(window: MessageWindow) -> list[int]:
    return [int(shown.platform_id) for shown in window.messages]


@pytest.mark.slow
async def test_every_window_into_a_channel(db: Database, room: ShownChannel) -> None:
    for place in [*NUMBERS, 1, 97_000, 10**18]:  # stored, and not: before all, between two, behind all
        older, newer = [n for n in NUMBERS if n < place], [n for n in NUMBERS if n > place]
        stored = [place] if place in NUMBERS else []
        before = await reading.messages_before(db, room, str(place), 3)
        assert (numbers(before), before.has_older) == (older[-3:], len(older) > 3), place
        assert before.has_newer == bool(stored + newer), place
        after = await reading.messages_after(db, room, str(place), 3)
        assert (numbers(after), after.has_newer) == (newer[:3], len(newer) > 3), place
        assert after.has_older == bool(older + stored), place
        for limit in (4, 5):
            around = await reading.messages_around(db, room, str(place), limit)
            assert numbers(around) == older[-2:] + (stored + newer)[: limit - 2], place
            assert (around.has_older, around.has_newer) == (len(older) > 2, len(stored + newer) > limit - 2)
        one = await reading.messages_around(db, room, str(place), 1)
        assert numbers(one) == ((stored + newer)[:1] or older[-1:]), place
    newest, first = [await call(db, room, None, 5) for call in (reading.messages_before, reading.messages_after)]
    assert (numbers(newest), newest.has_older, newest.has_newer) == (NUMBERS[-5:], True, False)
    assert (numbers(first), first.has_older, first.has_newer) == (NUMBERS[:5], False, True)
    assert numbers(await reading.messages_around(db, room, None, 500)) == NUMBERS
    second = await reading.day_window(db, room, MORNING + timedelta(days=1), 10)
    assert (numbers(second), second.has_older) == ([DAY + 1, DAY + 2, DAY + 3], True)
    assert await reading.days_with_messages(db, room, MORNING.year, MORNING.month) == {
        MORNING: 11,
        MORNING + timedelta(days=1): 3,
    }
    assert await reading.days_with_messages(db, room, 2026, 12) == {}
    ends = await reading.first_and_newest(db, room)
    assert ends is not None
    assert [shown.platform_id for shown in ends] == [str(NUMBERS[0]), str(NUMBERS[-1])]
    async with db.asking() as connection:
        whole = [page async for page in reading.channel_pages(connection, room.id, size=4)]
        assert [int(m.platform_id) for page in whole for m in page] == NUMBERS
        times = {"since": message(100).sent_at, "until": message(104).sent_at}
        some = [page async for page in reading.channel_pages(connection, room.id, size=2, **times)]
        assert [int(m.platform_id) for page in some for m in page] == [100, 101, 102, 103]


@pytest.mark.slow
async def test_what_is_shown_around_messages(db: Database, room: ShownChannel) -> None:
    shown = (await reading.messages_around(db, room, None, 100)).messages
    files = shown[1]
    assert [file.filename for file in files.attachments] == ["cat.png", "notes.txt"]
    assert [(given.emoji, given.burst, given.count) for given in files.reactions] == [("🎉", True, 5), ("👍", False, 3)]
    assert await reading.messages_by_key(db, [(room.id, "96"), (room.id, "7")]) == {(room.id, "96"): files}
    async with db.asking() as connection:
        originals = await reading.originals_of(connection, room.tenant_id, shown)
        answers = await reading.answers_to(connection, room, shown)
        threads = await reading.threads_on(connection, room, shown)
    assert {key[1]: (found.excerpt, found.files) for key, found in originals.items() if found.is_archived} == {
        "98": ("message 96", 2),
        "99": ("message 96", 2),
    }
    missing = originals[room.id, "104"]
    assert (missing.is_archived, missing.author_hash, missing.channel_name) == (False, ANN, "channel 5")
    found = answers.pop("96")
    assert [answer.message_platform_id for answer in found.first] == ["98", "99", "150"]
    assert (found.count, found.first[2].channel_platform_id, answers) == (3, "100", {})
    assert {original: thread.name for original, thread in threads.items()} == {"100": "channel 100"}


@pytest.mark.slow
async def test_channels_threads_holes_and_figures(db: Database, room: ShownChannel, way: Way) -> None:
    assert (room.parent_name, room.parent_type) == ("channel 4", "category")
    newest = await reading.threads_of(db, room, limit=1)
    older = await reading.threads_of(db, room, after=newest[0].id, limit=1)
    assert [found.platform_id for found in newest + older] == ["200", "100"]
    assert await reading.channel_of(db, room.tenant_id, "6") is None

    await way.refetch("99")
    holes = {hole.kind: hole for hole in await reading.holes_of(db, room)}
    assert set(holes) == {HoleKind.UNREAD, HoleKind.TO_READ_AGAIN}
    assert holes[HoleKind.UNREAD].after_id == str(NUMBERS[-1])
    assert (holes[HoleKind.TO_READ_AGAIN].reason, holes[HoleKind.TO_READ_AGAIN].until_id) == ("refetch", "99")

    found = await reading.statistics(db, room.tenant_id, since=NOW - timedelta(days=1), until=NOW + timedelta(days=2))
    assert (found.messages, found.authors) == (16, 2)
    assert [(day.messages, day.authors) for day in found.days] == [(13, 2), (3, 2)]
    assert sum(found.hours) == found.hours[9] == 16
    assert [(place.channel_platform_id, place.messages, place.authors) for place in found.channels] == [("5", 16, 2)]
    assert [(use.emoji, use.count) for use in found.reactions] == [("🎉", 5), ("👍", 3)]
    until = message(97).sent_at + SECOND
    few = await reading.statistics(db, room.tenant_id, since=message(96).sent_at, until=until, most=1)
    assert (few.messages, few.authors, len(few.reactions)) == (2, 2, 1)


@pytest.mark.slow
async def test_conversations_spans_and_what_is_named(db: Database, room: ShownChannel, way: Way) -> None:
    to: dict[str, Any] = {"reply_to_channel_platform_id": "5", "type": "reply"}
    replies = {200: "150", 201: "98", 202: "203", 203: "202"}  # the last two answer each other, as nobody can
    answers = [message(n, **to, reply_to_message_platform_id=other) for n, other in replies.items()]
    answers[0] = replace(answers[0], reply_to_channel_platform_id="100")  # the thread in which 150 is
    await way.store(*answers)
    post = await reading.channel_of(db, room.tenant_id, "100")
    assert post is not None
    for channel, asked, expected in (
        (room, "96", ["96", "98", "99", "150", "200", "201"]),
        (room, "201", ["96", "98", "201"]),
        (post, "150", ["96", "150", "200"]),
        (room, "203", ["202", "203"]),
        (room, "104", ["104"]),  # it answers what is not archived
        (room, "7", []),
    ):
        talk = await reading.conversation_of(db, channel, asked)
        assert ([one.key[1] for one in talk.messages], talk.is_whole) == (expected, True), asked
    some = await reading.conversation_of(db, room, "96", most=3)
    assert ([one.key[1] for one in some.messages], some.is_whole) == (["96", "98", "99", "150"], False)
    span = {"since": message(97).sent_at, "until": message(101).sent_at}
    for after, limit, expected in ((None, 9, ["97", "98", "99", "100"]), ("98", 1, ["99"]), ("95", 1, ["97"])):
        found = await reading.messages_within(db, room, **span, after=after, limit=limit)
        assert [one.platform_id for one in found] == expected
    assert await reading.messages_within(db, room, **span, after="100", limit=9) == []
    called = {given: await reading.channels_called(db, room.tenant_id, given) for given in ("100", "channel 5", "x")}
    assert {given: [one.platform_id for one in some] for given, some in called.items()} == {
        "100": ["100"],
        "channel 5": ["5"],
        "x": [],
    }
    holding = [await reading.channel_holding(db, room.tenant_id, message_id) for message_id in ("151", "95", "7")]
    assert [one.platform_id if one else None for one in holding] == ["100", "5", None]
    during = {"since": message(95).sent_at, "until": message(100).sent_at}
    authors = await reading.most_active(db, room.tenant_id, reading.AuthorActivity, **during, most=1)
    assert [(one.author_hash, one.author_kind, one.messages) for one in authors] == [(BOB, "user", 3)]
    assert await reading.hours_of_activity(db, room.tenant_id, **during) == {9: 5}
    assert [day.messages for day in await reading.days_of_activity(db, room.tenant_id, **during)] == [5]
