"""A new message whose channel the gateway has not shown yet comes right behind the channel."""

from typing import Any

import pytest

from adapters.discord.gateway.dispatcher import EventDispatcher
from adapters.discord.gateway.guild_state import is_new
from adapters.discord.gateway.waiting import WaitingMessages
from adapters.events import ChannelChanged, ChannelRef, LiveEvent, MessageCreated, MessageMissed

GUILD, TEXT, THREAD = "1", "5", "6"
_ALL = str(1 << 10 | 1 << 16)


def guild() -> dict[str, Any]:
    return {
        "id": GUILD,
        "roles": [{"id": GUILD, "permissions": _ALL}],
        "channels": [{"id": TEXT, "type": 0, "name": "talk"}],
        "members": [{"user": {"id": "9"}, "roles": []}],
    }


def thread(**more: Any) -> dict[str, Any]:
    return {
        "id": THREAD,
        "type": 11,
        "name": "beside",
        "guild_id": GUILD,
        "parent_id": TEXT,
        "thread_metadata": {"archived": False},
        **more,
    }


def new(message_id: int | str = 77, channel: str = THREAD) -> dict[str, Any]:
    return {
        "id": str(message_id),
        "channel_id": channel,
        "guild_id": GUILD,
        "type": 0,
        "content": "hello",
        "author": {"id": "9"},
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        **dict.fromkeys(("pinned", "tts", "mention_everyone"), False),
        **{name: [] for name in ("mentions", "mention_roles", "attachments", "embeds")},
    }


class Heard:
    def __init__(self) -> None:
        self.events: list[LiveEvent] = []
        self.dispatcher = EventDispatcher(self.events.append, str)
        self.dispatcher._bot_id = "9"
        self.dispatcher.on_guild_event("GUILD_CREATE", guild())

    def take(self) -> list[str]:
        taken = [type(event).__name__ for event in self.events]
        self.events.clear()
        return taken


@pytest.mark.parametrize("newly_created", [True, False])
def test_it_comes_behind_the_thread_that_it_is_in(newly_created: bool) -> None:
    heard = Heard()
    for number in (77, 78):
        heard.dispatcher.on_message_event("MESSAGE_CREATE", new(number))
    assert heard.take() == []
    heard.dispatcher.on_guild_event("THREAD_CREATE", thread(newly_created=newly_created))
    changed, *created = heard.events
    assert isinstance(changed, ChannelChanged)
    assert changed.is_new is newly_created
    assert [event.message.platform_id for event in created if isinstance(event, MessageCreated)] == ["77", "78"]


@pytest.mark.parametrize("event", ["GUILD_CREATE", "GUILD_DELETE"])
def test_it_waits_no_longer_than_its_guild_is_there(event: str) -> None:
    heard = Heard()
    heard.dispatcher.on_message_event("MESSAGE_CREATE", new())
    heard.dispatcher.on_guild_event(event, guild() if event == "GUILD_CREATE" else {"id": GUILD, "unavailable": True})
    heard.take()
    heard.dispatcher.on_guild_event("THREAD_UPDATE", thread())
    assert heard.take() == ["ChannelChanged"]


def test_of_too_many_the_ids_are_kept_and_of_far_too_many_that_there_were_some() -> None:
    heard = Heard()
    heard.dispatcher._waiting = WaitingMessages(largest=1, most_dropped=1)
    for number in (77, 78, 79):
        heard.dispatcher.on_message_event("MESSAGE_CREATE", new(number))
    assert heard.dispatcher.unsettled(1) == 1
    heard.dispatcher.on_guild_event("THREAD_CREATE", thread())
    assert heard.take() == ["ChannelChanged", "MessageCreated", "MessageMissed"]
    heard.dispatcher.on_message_event("MESSAGE_CREATE", new(80, channel="7"))
    assert heard.dispatcher.unsettled(1) == 1, "there is room again"


def test_one_without_a_readable_id_has_its_channel_read() -> None:
    heard = Heard()
    heard.dispatcher.on_message_event("MESSAGE_CREATE", new("x", channel=TEXT))
    (event,) = heard.events
    channel = ChannelRef(tenant_platform_id=GUILD, platform_id=TEXT)
    assert event == MessageMissed(channel=channel, message_platform_id=None)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": {"id": "8", "permissions": "8"}}),
        ("GUILD_MEMBER_UPDATE", {"guild_id": GUILD, "user": {"id": "9"}, "roles": ["8"]}),
        ("GUILD_UPDATE", {"id": GUILD, "owner_id": "9"}),
        ("THREAD_LIST_SYNC", {"guild_id": GUILD, "threads": []}),
        ("CHANNEL_CREATE", {"id": "7", "type": 0, "guild_id": GUILD, "last_message_id": "70"}),
        ("CHANNEL_UPDATE", {"id": "7", "type": 0, "guild_id": GUILD}),
        ("CHANNEL_UPDATE", {"id": None, "guild_id": GUILD}),
        ("THREAD_CREATE", "nothing"),
    ],
)
def test_events_that_say_less_than_a_listing(event: str, data: Any) -> None:
    heard = Heard()
    before = heard.dispatcher.unsettled(1)
    heard.dispatcher.on_guild_event(event, data)
    assert heard.dispatcher.unsettled(1) == before + 1


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("CHANNEL_CREATE", {"id": "7", "type": 0, "guild_id": GUILD, "last_message_id": None}),
        ("CHANNEL_UPDATE", {"id": TEXT, "type": 0, "name": "renamed", "guild_id": GUILD}),
        ("GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": {"id": GUILD, "permissions": _ALL}}),
        ("THREAD_CREATE", thread()),
        ("THREAD_DELETE", {"id": THREAD, "guild_id": GUILD}),
    ],
)
def test_events_that_say_all(event: str, data: Any) -> None:
    heard = Heard()
    heard.dispatcher.on_guild_event(event, data)
    assert heard.dispatcher.unsettled(1) == 0


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        ("CHANNEL_CREATE", {"last_message_id": None}, True),
        ("CHANNEL_CREATE", {"last_message_id": "5"}, False),
        ("CHANNEL_CREATE", {}, False),
        ("CHANNEL_UPDATE", {"last_message_id": None}, False),
        ("THREAD_CREATE", {"newly_created": True}, True),
        ("THREAD_CREATE", {"last_message_id": None}, False),
    ],
)
def test_a_channel_is_new_where_the_event_says_that_nothing_is_in_it(
    event: str, data: dict[str, object], expected: bool
) -> None:
    assert is_new(event, data) is expected
