"""Conversion never raises, and lets no id of a user through, whatever a payload holds."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from adapters.discord.convert import message_record, thread_record
from adapters.discord.permissions import ChannelEvaluator, everyone
from tests.support.examples import examples
from tests.support.payloads import HASH, PAYLOADS, USER


def stored(record: object) -> str:
    return repr(record)


@given(PAYLOADS)
@settings(max_examples=examples(180))
@pytest.mark.slow
def test_any_message_converts(payload: dict[str, Any]) -> None:
    record = message_record(payload | {"id": "77"}, "55", HASH)
    assert record is not None
    assert record.platform_id == "77"


@given(PAYLOADS)
@pytest.mark.slow
def test_any_channel_and_thread_converts(payload: dict[str, Any]) -> None:
    listing = ChannelEvaluator("1", [], everyone("1"), HASH)
    assert listing.channel(payload | {"id": "77"})
    assert thread_record(payload | {"id": "77"}, None, HASH)


# Where an id is none of a user's, whatever it says: the adapter keeps it, as it must.
NOT_USERS = ("channel_id", "message_id", "id", "message_reference", "thread", "emoji", "sticker_items", "attachments")


@given(PAYLOADS)
@settings(max_examples=examples(180))
@pytest.mark.slow
def test_no_planted_user_survives_in_text_or_user_fields(payload: dict[str, Any]) -> None:
    for key in NOT_USERS:
        payload = without(payload, key)
    record = message_record(payload | {"id": "77", "author": {"id": USER}}, "55", HASH)
    assert USER not in stored(record)


def without(value: Any, key: str) -> Any:
    """The value with no such key at any depth."""
    if isinstance(value, dict):
        return {k: without(v, key) for k, v in value.items() if k != key}
    return [without(v, key) for v in value] if isinstance(value, list) else value


def test_a_payload_without_an_id_is_no_message() -> None:
    assert message_record({"content": "x"}, "55", HASH) is None


def test_metadata_is_json() -> None:
    payload = {"id": "1", "embeds": [{"title": "x", "color": 1}], "poll": {"question": {"text": "?"}}}
    record = message_record(payload, "2", HASH)
    assert record is not None
    assert json.loads(json.dumps(record.metadata)) == {
        "embeds": [{"title": "x", "color": 1}],
        "poll": {"question": "?"},
    }


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "default"), (13, "guild_stream"), (19, "reply"), (30, "stage_raise_hand"), (63, "emoji_added"), (999, "999")],
)
def test_a_message_type_has_its_name_and_an_unknown_one_its_number(number: int, name: str) -> None:
    record = message_record({"id": "1", "type": number}, "2", HASH)
    assert record is not None
    assert record.type == name


def test_a_component_with_nothing_in_it_leaves_no_gap() -> None:
    payload = {"id": "1", "components": [{"type": 17, "components": [{}, {"type": 10, "content": "words"}]}]}
    record = message_record(payload, "55", HASH)
    assert record is not None
    assert record.metadata["components"] == [{"type": 17, "components": [{"type": 10, "content": "words"}]}]
