"""A gateway event becomes what it says and no more, whatever it holds."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.convert import last_id_before, message_record, snowflake_time
from adapters.discord.gateway.events import MESSAGE_EVENTS, channel_ref, ids_only, is_whole, live_event
from adapters.discord.gateway.guild_state import GuildState
from adapters.discord.gateway.keep_alive import KeepAlive
from adapters.events import (
    ChannelChanged,
    ChannelRef,
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessageMissed,
    MessagesDeleted,
    ReactionChanged,
)
from adapters.privacy import UserHasher
from tests.support.examples import examples
from tests.support.payloads import HASH, PAYLOADS, USER

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
PLACE = ChannelRef(tenant_platform_id="1", platform_id="55")
WHOLE: dict[str, Any] = {
    "id": "77",
    "guild_id": "1",
    "channel_id": "55",
    "type": 0,
    "content": "hello",
    "author": {"id": USER, "username": "someone"},
    "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": None,
    "tts": False,
    "pinned": False,
    "mention_everyone": False,
    "mentions": [],
    "mention_roles": [],
    "attachments": [],
    "embeds": [],
}
REPLY = {"type": 19, "message_reference": {"channel_id": "55", "message_id": "5"}}
FORWARD = {"content": "", "message_reference": {"type": 1, "channel_id": "56", "message_id": "5"}}


@pytest.mark.parametrize("missing", [key for key in WHOLE if key not in ("id", "guild_id", "channel_id")])
def test_a_payload_without_what_discord_always_sends_is_a_touch(missing: str) -> None:
    part = {key: value for key, value in WHOLE.items() if key != missing}
    assert is_whole(WHOLE)
    assert not is_whole(part)
    assert not is_whole(part | {missing: {}})
    assert live_event("MESSAGE_UPDATE", part, PLACE, HASH) == MessageInvalidated(
        channel=PLACE, message_platform_id="77"
    )


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (REPLY, False),
        (REPLY | {"referenced_message": None}, True),
        (REPLY | {"message_reference": {"type": 0, "channel_id": "55"}}, True),
        ({"type": 6, "message_reference": {"channel_id": "55", "message_id": "5"}}, True),
        (FORWARD, False),
        (FORWARD | {"message_snapshots": [{"message": {"content": "x"}}]}, True),
        ({"flags": 1 << 5}, False),
        ({"flags": 1 << 5, "thread": {"id": "77"}}, True),
        ({"content": ""}, False),
        ({"content": "", "sticker_items": [{"id": "1"}]}, True),
        ({"content": "", "type": 7}, True),
        ({"edited_timestamp": "once"}, False),
    ],
)
def test_a_whole_payload_has_what_it_says_it_has(parts: dict[str, Any], whole: bool) -> None:
    assert is_whole(WHOLE | parts) is whole


def test_reactions_are_no_part_of_an_edit() -> None:
    incoming = live_event("MESSAGE_UPDATE", WHOLE | {"reactions": [{"emoji": {"name": "🔥"}, "count": 3}]}, PLACE, HASH)
    assert isinstance(incoming, MessageEdited)
    assert (incoming.message.reaction_totals, incoming.message.author_hash) == ((), HASH(USER))


@pytest.mark.parametrize(
    ("parts", "is_stored"),
    [
        ({}, True),
        ({"reactions": [{"emoji": {"name": "x"}, "count": 3}]}, True),
        ({"content": ""}, False),
        ({"content": "", "flags": 1 << 7}, False),
        ({"content": "", "type": 20, "flags": 1 << 7}, True),
        ({"content": "", "type": 6}, True),
        ({"content": "", "type": 46}, False),
        ({"flags": 1 << 6}, False),
        (REPLY, False),
        (REPLY | {"referenced_message": None}, True),
        ({"author": None}, False),
    ],
)
def test_a_new_message_is_as_by_rest_or_left_to_the_sync(parts: dict[str, Any], is_stored: bool) -> None:
    """Only what has content by nature may show none; what only its addressee sees is never stored."""
    payload = WHOLE | parts
    incoming = live_event("MESSAGE_CREATE", payload, PLACE, HASH)
    assert isinstance(incoming, MessageCreated) is is_stored
    if payload.get("flags") == 1 << 6:
        assert incoming is None
    elif not is_stored:
        assert incoming == MessageMissed(channel=PLACE, message_platform_id="77"), "it has to be read"
    if isinstance(incoming, MessageCreated):
        by_rest = message_record({k: v for k, v in payload.items() if k not in ("guild_id", "reactions")}, "55", HASH)
        assert incoming.message == by_rest
    assert ids_only("MESSAGE_CREATE", payload, PLACE) is None


@given(st.sampled_from(sorted(MESSAGE_EVENTS - {"MESSAGE_CREATE"})), PAYLOADS, st.booleans())
@settings(max_examples=examples(240))
@pytest.mark.slow
def test_any_event_about_a_message_tells_something(event: str, payload: dict[str, Any], is_partial: bool) -> None:
    ids = {"id": "77", "message_id": "77", "ids": ["77"], "user_id": USER}
    incoming = live_event(event, ({} if is_partial else WHOLE) | payload | ids, PLACE, HASH)
    assert incoming is not None
    assert not isinstance(incoming, ChannelChanged)
    assert incoming.channel == PLACE
    bare = ids_only(event, payload | ids, PLACE)
    assert isinstance(bare, MessageInvalidated | MessagesDeleted)
    if isinstance(incoming, ReactionChanged):
        assert incoming.user_hash == HASH(USER)
        assert USER not in repr(incoming).replace(incoming.emoji_key, "").replace(incoming.emoji, "")


@pytest.mark.parametrize("event", sorted(MESSAGE_EVENTS))
def test_without_an_id_there_is_nothing_to_tell(event: str) -> None:
    for convert in (ids_only, lambda event, payload, place: live_event(event, payload, place, HASH)):
        with pytest.raises(ValueError, match="no message's id"):
            convert(event, {"id": None, "message_id": [], "ids": "x", "emoji": {}}, PLACE)


def test_a_place_is_in_a_guild() -> None:
    assert channel_ref(WHOLE) == PLACE
    assert channel_ref({"channel_id": "55"}) is None


@given(
    st.datetimes(EPOCH.replace(year=2000, tzinfo=None), EPOCH.replace(year=2080, tzinfo=None), timezones=st.timezones())
)
def test_a_cursor_lies_just_before_its_millisecond(when: datetime) -> None:
    milliseconds = (when.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
    assert last_id_before(when) == str(max(0, (milliseconds << 22) - 1))


@given(st.integers(0, 2**70))
def test_an_id_says_when_it_was_made(snowflake: int) -> None:
    made_at = EPOCH + timedelta(milliseconds=min(snowflake, 2**63 - 1) >> 22)
    assert snowflake_time(str(snowflake)) == made_at
    assert snowflake_time(str(snowflake)).tzinfo == UTC


async def test_an_answered_heartbeat_proves_what_was_sent_before_it() -> None:
    socket: Any = SimpleNamespace(sequence=7)
    keep_alive = KeepAlive(socket, interval_seconds=40.0, shard_id=0)
    keep_alive.ack()
    assert keep_alive.received_until is None, "an answer to nothing"
    keep_alive.get_payload()
    between = datetime.now(UTC)
    assert keep_alive.get_payload() == {"op": 1, "d": 7}
    keep_alive.ack()
    assert keep_alive.received_until is not None
    assert between - timedelta(seconds=5) < keep_alive.received_until <= between, (
        "the first heartbeat's, not the second's"
    )
    keep_alive.ack()
    assert keep_alive.received_until >= between


GUILD = {
    "id": "1",
    "owner_id": "8",
    "roles": [{"id": "1", "permissions": str(1 << 10 | 1 << 16)}],
    "members": [{"user": {"id": "9"}, "roles": []}],
    "channels": [{"id": "55", "type": 0, "name": "talk"}, {"id": "56", "type": 2}, {"name": "no id"}],
    "threads": [{"id": "57", "type": 11, "parent_id": "55"}, {"id": "58", "type": 12, "parent_id": "55"}],
}


def test_who_may_read_is_known_of_channels_and_their_threads() -> None:
    view = GuildState(GUILD, "9", UserHasher().of)
    verdicts = {"55": True, "56": False, "57": True, "58": False, "59": None}
    assert {one: view.is_public(one) for one in verdicts} == verdicts
    everyone = {"id": "1", "permissions": str(1 << 10 | 1 << 16 | 1 << 20)}
    assert [r.platform_id for r in view.apply("GUILD_ROLE_UPDATE", {"guild_id": "1", "role": everyone})] == ["56"]
    assert view.is_public("56")
    hidden = {"id": "55", "type": 0, "name": "___hidden___"}
    assert [r.platform_id for r in view.apply("CHANNEL_UPDATE", hidden)] == ["55"]
    assert (view.is_public("55"), view.is_public("57")) == (False, False)
    assert list(view.hidden_channels()) == ["55"]
    view.apply("CHANNEL_DELETE", {"id": "55"})
    assert (view.is_public("55"), view.is_public("57")) == (None, None)


@pytest.mark.parametrize(
    ("event", "data", "changes"),
    [
        ("GUILD_UPDATE", {"id": "1", "roles": [{"id": "1", "permissions": "0"}]}, True),
        ("GUILD_UPDATE", {"id": "1", "owner_id": "9"}, False),
        ("GUILD_ROLE_UPDATE", {"role": {"id": "1", "permissions": "8"}}, True),
        ("GUILD_ROLE_DELETE", {"role_id": "1"}, True),
        ("GUILD_ROLE_DELETE", {"role_id": "2"}, False),
        ("GUILD_MEMBER_UPDATE", {"user": {"id": "9"}, "roles": ["2"]}, False),
        ("GUILD_MEMBER_UPDATE", {"user": {"id": "10"}, "roles": []}, False),
        ("THREAD_MEMBERS_UPDATE", {"id": "57"}, False),
    ],
)
def test_channels_are_judged_anew_where_roles_change(event: str, data: dict[str, Any], changes: bool) -> None:
    view = GuildState(GUILD, "9", UserHasher().of)
    assert bool(view.apply(event, data)) is changes


@pytest.mark.parametrize(("roles", "may_read"), [([], False), (["2"], True), (None, True), ("odd", True)])
def test_a_bot_that_loses_its_last_role_loses_what_that_allowed(roles: Any, may_read: bool) -> None:
    everyone = {"id": "1", "type": 0, "deny": str(1 << 16)}
    role = {"id": "2", "type": 0, "allow": str(1 << 16)}
    guild = GUILD | {
        "members": [{"user": {"id": "9"}, "roles": ["2"]}],
        "channels": [{"id": "55", "type": 0, "permission_overwrites": [everyone, role]}],
    }
    view = GuildState(guild, "9", UserHasher().of)
    assert view.may_bot_read("55")
    view.apply("GUILD_MEMBER_UPDATE", {"user": {"id": "9"}, "roles": roles})
    assert view.may_bot_read("55") is may_read
