"""Conversion never raises, and lets no id of a user through, whatever a payload holds."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.convert import message_record, thread_record
from adapters.discord.permissions import ChannelEvaluator, everyone
from adapters.privacy import UserHasher
from tests.support.examples import examples

USER = "1098765432109876543"
HASH = UserHasher().of

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([USER, f"<@{USER}>", f"https://cdn.discordapp.com/avatars/{USER}/a.png", "2026-01-01T00:00:00Z"])
)
KEYS = st.sampled_from(
    """id type author content timestamp edited_timestamp message_reference referenced_message mentions member nick
    attachments embeds reactions components interaction interaction_metadata user target_user poll question answers
    sticker_items message_snapshots message application_id webhook_id thread role_subscription_data flags url filename
    emoji name title footer text icon_url fields value options default_values items media accessory results
    answer_counts poll_media size count count_details burst channel_id message_id parent_id thread_metadata owner_id
    topic available_tags applied_tags permission_overwrites allow deny username global_name""".split()  # noqa: SIM905
)
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
PAYLOADS = st.dictionaries(KEYS, ODD, max_size=14)


def stored(record: object) -> str:
    return repr(record)


@given(PAYLOADS)
@settings(max_examples=examples(300))
def test_any_message_converts(payload: dict[str, Any]) -> None:
    record = message_record(payload | {"id": "77"}, "55", HASH)
    assert record is not None
    assert record.platform_id == "77"


@given(PAYLOADS)
def test_any_channel_and_thread_converts(payload: dict[str, Any]) -> None:
    listing = ChannelEvaluator("1", [], everyone("1"), HASH)
    assert [record.platform_id for record in listing.channels([payload | {"id": "77"}], {})] == ["77"]
    assert thread_record(payload | {"id": "77"}, None, HASH)


# Where an id is none of a user's, whatever it says: the adapter keeps it, as it must.
NOT_USERS = ("channel_id", "message_id", "id", "message_reference", "thread", "emoji", "sticker_items", "attachments")


@given(PAYLOADS)
@settings(max_examples=examples(300))
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
