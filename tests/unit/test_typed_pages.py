"""A page that is decoded by types gives the records that its payloads give, whatever stands in them."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.convert import (
    as_payload,
    as_payloads,
    decode_page,
    ids_of,
    message_record,
    message_records,
    own_messages,
    shows_content,
)
from tests.support.examples import examples
from tests.support.payloads import FILE, HASH, ODD, USER, nested, poisoned

ADA = {"id": "1", "username": "zq_ada", "global_name": "Zq Ada", "avatar": "x", "bot": False}
BOB = {"id": USER, "username": "zq_bob", "global_name": None, "system": True}
REACTION = {"emoji": {"id": None, "name": "x"}, "count": 3, "count_details": {"burst": 1, "normal": 2}, "me": False}
PLAIN: dict[str, Any] = {
    "id": "77",
    "channel_id": "5",
    "type": 19,
    "content": f"zq_ada#1234 @zq_bob <@{USER}> {USER}",
    "author": ADA,
    "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": "2026-01-01T00:00:00.123000+00:00",
    "flags": 1,
    "pinned": True,
    "tts": False,
    "mention_everyone": False,
    "mentions": [BOB],
    "mention_roles": ["6"],
    "attachments": [FILE | {"filename": "Zq Ada"}],
    "embeds": [{"title": "zq_bob", "description": f"/channels/1/2/3 {USER}", "fields": [{"name": "x"}]}],
    "reactions": [REACTION],
    "message_reference": {"type": 0, "message_id": "3", "channel_id": "4", "guild_id": "2"},
    "referenced_message": {"id": "3", "author": BOB, "content": "x"},
    "components": [],
    "position": 7,
    "nonce": {"of": ["a later version"]},
}
RARE: dict[str, Any] = {
    "webhook_id": "8",
    "member": {"nick": "zq_nick"},
    "components": nested(2)["components"],
    "mention_channels": [{"id": "6"}],
    "sticker_items": [{"id": "6", "name": "zq_bob"}],
    "message_snapshots": [{"message": {"content": "@zq_bob", "mentions": [BOB]}}],
    "poll": {"question": {"text": "zq_ada"}},
    "activity": {"type": 1},
    "interaction": {"user": BOB, "name": "zq_bob"},
    "interaction_metadata": {"user": BOB, "type": 2},
    "application_id": "9",
    "thread": {"id": "77"},
    "role_subscription_data": {"tier_name": "zq_bob"},
}
SHORT = {"content": "Zq Ada", "mentions": [], "referenced_message": None}


async def assert_equal(page: list[Any], text: str | None = None) -> int:
    """Compare both ways for a page; return how many of its messages were decoded by types."""
    text = text or json.dumps(page)
    payloads, sent = orjson.loads(text), decode_page(text)
    assert sent is not None
    own = own_messages(sent, "5")
    records = [record for one in own_messages(payloads, "5") if (record := message_record(as_payload(one), "5", HASH))]
    assert repr(await message_records(own, "5", HASH)) == repr(records)
    assert ids_of(own) == ids_of(own_messages(payloads, "5"))
    for message, payload in zip(as_payloads(sent), as_payloads(payloads), strict=True):
        assert shows_content(message, "1") == shows_content(payload, "1")
    return sum(not isinstance(one, dict) for one in own)


async def test_what_most_messages_hold_is_typed_and_what_few_hold_is_read_all_the_same() -> None:
    page = [PLAIN, PLAIN | SHORT, PLAIN | {"type": 0}, *(PLAIN | {key: part} for key, part in RARE.items())]
    assert await assert_equal(page) == len(page)
    for absent in PLAIN:
        await assert_equal([{key: value for key, value in PLAIN.items() if key != absent}])


@pytest.mark.slow
async def test_any_value_in_any_field_gives_the_same_record() -> None:
    odd = [
        payload for payload in poisoned(PLAIN | {"message_reference": {"message_id": "3"}}) if is_plain_json(payload)
    ]
    assert len(odd) > 2_000
    typed = await assert_equal(odd)
    assert len(odd) / 4 < typed < len(odd)


@given(st.dictionaries(st.sampled_from([*PLAIN, *RARE]), ODD, max_size=6), st.sampled_from([PLAIN, PLAIN | SHORT]))
@settings(max_examples=examples(100))
@pytest.mark.slow
async def test_odd_parts_give_the_same_record(odd: dict[str, Any], base: dict[str, Any]) -> None:
    if is_plain_json(odd):
        await assert_equal([base | odd, RARE | base | odd, odd])


@pytest.mark.parametrize(
    "text",
    [
        '[{"id":"1","id":"2","channel_id":"5","type":0,"content":"x","author":{},"author":{"id":"7"},"timestamp":""}]',
        '[{"id":"1","channel_id":"6","type":0,"content":"x","author":null,"timestamp":""}, null, 5, "x", {}, []]',
        "[]",
        " [ ] ",
    ],
)
async def test_odd_texts_give_the_same_records(text: str) -> None:
    await assert_equal([], text)


@pytest.mark.parametrize(
    "text", ['{"message": "x", "code": 0}', "", "[", '["\\ud800"]', "[NaN]", "[{}] x", "[" * 9_999]
)
def test_what_is_no_page_is_decoded_as_any_other_answer(text: str) -> None:
    assert decode_page(text) is None


def is_plain_json(value: object) -> bool:
    """Find out whether a value has no lone surrogate, no endless number and none of many digits."""
    try:
        return orjson.loads(text := json.dumps(value)) is not None and len(text) < 10**6
    except ValueError:
        return False
