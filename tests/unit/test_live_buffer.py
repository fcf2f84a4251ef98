"""Events of one message become one change: the last word of each kind, in the order of their coming."""

from datetime import UTC, datetime

import pytest

from adapters.events import (
    ChannelRef,
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
)
from adapters.records import AuthorKind, MessageRecord, SkipReason
from bot.live.buffer import LiveBuffer
from tests.support.builders import NOW, channel

PLACE = ChannelRef(tenant_platform_id="1", platform_id="2")


def edited(content: str, message_id: str = "3") -> MessageEdited:
    record = MessageRecord(
        platform_id=message_id,
        author_hash="a",
        author_kind=AuthorKind.USER,
        content=content,
        type="default",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        edited_at=None,
        reply_to_channel_platform_id=None,
        reply_to_message_platform_id=None,
        reply_to_author_hash=None,
        metadata={},
    )
    return MessageEdited(channel=PLACE, message=record)


def reaction(user: str, *, is_given: bool, emoji: str = "🔥") -> ReactionChanged:
    return ReactionChanged(
        channel=PLACE,
        message_platform_id="3",
        emoji_key=emoji,
        emoji=emoji,
        user_hash=user,
        burst=False,
        is_given=is_given,
    )


def test_many_events_of_a_message_are_one_change() -> None:
    buffer = LiveBuffer()
    for event in (edited("one"), reaction("u", is_given=True), edited("two"), reaction("u", is_given=False)):
        assert buffer.add("t", event) == [("t", "2", "3")]
    (change,) = buffer.take(10).changes
    assert change.edited is not None
    assert change.edited.content == "two"
    assert [(state.user_hash, state.is_given) for state in change.reactions.values()] == [("u", False)]
    assert not buffer.take(10)


def test_clearing_forgets_what_was_given_before_and_not_what_comes_after() -> None:
    buffer = LiveBuffer()
    for event in (
        reaction("u", is_given=True),
        reaction("u", is_given=True, emoji="👍"),
        ReactionsCleared(channel=PLACE, message_platform_id="3", emoji_key="🔥"),
        reaction("v", is_given=True),
    ):
        buffer.add("t", event)
    (change,) = buffer.take(10).changes
    assert (change.is_cleared, change.cleared) == (False, {"🔥"})
    assert [(state.emoji_key, state.user_hash) for state in change.reactions.values()] == [("👍", "u"), ("🔥", "v")]

    buffer.add("t", reaction("u", is_given=True))
    buffer.add("t", ReactionsCleared(channel=PLACE, message_platform_id="3", emoji_key=None))
    (change,) = buffer.take(10).changes
    assert (change.is_cleared, change.reactions) == (True, {})


def created(content: str = "new", message_id: str = "3") -> MessageCreated:
    return MessageCreated(channel=PLACE, message=edited(content, message_id).message)


DELETED = MessagesDeleted(channel=PLACE, message_platform_ids=("3",))


def test_a_new_message_is_kept_with_what_becomes_of_it_and_is_no_change_of_a_page() -> None:
    buffer = LiveBuffer()
    assert buffer.add_created("t", created())
    for event in (edited("better"), reaction("u", is_given=True)):
        buffer.add("t", event)
    assert buffer.add_created("t", created("again")), "an event may come twice"
    buffer.add("t", DELETED)
    (change,) = buffer.take(10).changes
    assert change.created is not None
    assert change.edited is not None
    assert (change.created.content, change.edited.content, change.is_deleted) == ("new", "better", True)
    assert len(change.reactions) == 1


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("first", [edited("x"), DELETED, reaction("u", is_given=True)])
def test_a_new_message_that_comes_after_its_other_events_is_left_to_the_sync(
    first: MessageEdited | MessagesDeleted | ReactionChanged, is_written: bool
) -> None:
    buffer = LiveBuffer()
    buffer.add("t", first)
    if is_written:
        assert buffer.take(10)
    assert not buffer.add_created("t", created())
    assert not any(change.created for change in buffer.take(10).changes)


def test_new_messages_beyond_its_size_are_left_to_the_sync() -> None:
    buffer = LiveBuffer(largest=2)
    taken = [buffer.add_created("t", created(message_id=str(number))) for number in range(4)]
    assert taken == [True, True, False, False]
    batch = buffer.take(10)
    assert [change.message_platform_id for change in batch.changes] == ["0", "1"]
    assert not batch.lost
    assert not batch.lost_tenants


def test_the_oldest_changes_are_taken_first_and_the_rest_stays() -> None:
    buffer = LiveBuffer()
    buffer.add("t", MessagesDeleted(channel=PLACE, message_platform_ids=("1", "2", "3")))
    assert [change.message_platform_id for change in buffer.take(2).changes] == ["1", "2"]
    assert [(change.message_platform_id, change.is_deleted) for change in buffer.take(2).changes] == [("3", True)]


def test_beyond_its_size_only_what_to_look_at_again_is_kept() -> None:
    buffer = LiveBuffer(largest=2, largest_lost=2)
    for number in range(6):
        buffer.add("t", MessageInvalidated(channel=PLACE, message_platform_id=str(number)))
    buffer.add("t", MessageInvalidated(channel=PLACE, message_platform_id="0"))
    batch = buffer.take(10)
    assert [change.message_platform_id for change in batch.changes] == ["0", "1"]
    assert batch.lost == {("t", "2", "2"), ("t", "2", "3")}
    assert batch.lost_tenants == {"t"}


def test_a_channel_that_was_hidden_and_shown_again_before_it_is_written_is_known_to_have_been_hidden() -> None:
    buffer = LiveBuffer()
    for reason in (SkipReason.OBFUSCATED, None):
        buffer.add_channel("one", channel("5", skip_reason=reason), NOW)
    (hidden,), (shown,) = (buffer.channel_events(hidden=kind)["one"] for kind in (True, False))
    assert (hidden.record.skip_reason, shown.record.skip_reason) == (SkipReason.OBFUSCATED, None)


@pytest.mark.parametrize(("name", "written"), [("newer", "newer"), (None, "new")])
def test_a_channel_that_is_hidden_after_another_change_is_written_as_it_is_then(name: str | None, written: str) -> None:
    buffer = LiveBuffer()
    buffer.add_channel("one", channel("5", name="old", skip_reason=SkipReason.NOT_PUBLIC), NOW)
    buffer.add_channel("one", channel("5", name="new"), NOW)
    buffer.add_channel("one", channel("5", name=name, skip_reason=SkipReason.OBFUSCATED), NOW)
    assert buffer.channel_events(hidden=False) == {}, "it would be written over what came after it"
    (event,) = buffer.channel_events(hidden=True)["one"]
    assert (event.record.name, event.record.skip_reason) == (written, SkipReason.OBFUSCATED)


def test_a_channel_that_is_changed_again_while_it_is_written_waits_to_be_written_again() -> None:
    buffer = LiveBuffer()
    for name in ("old", "new"):
        buffer.add_channel("one", channel("5", name=name), NOW)
        if name == "old":
            being_written = buffer.channel_events(hidden=False)["one"]
    buffer.channels_written("one", being_written)
    (left,) = buffer.channel_events(hidden=False)["one"]
    assert left.record.name == "new"
    buffer.channels_written("one", [left])
    assert buffer.channel_events(hidden=False) == {}
