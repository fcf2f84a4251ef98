"""Whatever stands in any field of a payload, what becomes of it is a record that both databases can hold."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.convert import message_record, thread_record
from adapters.discord.permissions import ChannelEvaluator, everyone
from adapters.records import LARGEST_COUNT, LARGEST_NUMBER, LONGEST_KEY, MessageRecord
from storage.sql import utc_text
from tests.support.builders import message
from tests.support.payloads import FAR, FILE, HASH, nested, poisoned

MESSAGE: dict[str, Any] = {
    "id": "5",
    "type": 0,
    "content": "x",
    "author": {"id": "1", "username": "zq"},
    "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": "2026-01-01T00:00:00+00:00",
    "flags": 1,
    "mentions": [{"id": "2"}],
    "attachments": [FILE],
    "reactions": [{"emoji": {"id": None, "name": "x"}, "count": 3, "count_details": {"burst": 1}}],
    "embeds": [{"title": "x", "timestamp": "2026-01-01T00:00:00+00:00", "color": 1, "fields": [{"name": "x"}]}],
    "components": [{"type": 1, "components": [{"type": 2, "id": 1, "default_values": [{"id": "1", "type": "user"}]}]}],
    "poll": {"question": {"text": "x"}, "answers": [{"answer_id": 1}], "results": {"answer_counts": [{"count": 1}]}},
    "message_reference": {"type": 1, "message_id": "3", "channel_id": "4"},
    "message_snapshots": [
        {"message": {"content": "x", "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None, "type": 0}}
    ],
    "thread": {"id": "6"},
}
THREAD: dict[str, Any] = {
    "id": "50",
    "type": 11,
    "parent_id": "5",
    "name": "x",
    "owner_id": "1",
    "last_message_id": "9",
    "message_count": 1,
    "flags": 1,
    "applied_tags": ["1"],
    "thread_metadata": {"archived": True, "archive_timestamp": "2026-01-01T00:00:00+00:00", "create_timestamp": None},
    "permission_overwrites": [{"id": "1", "type": 0, "allow": "1", "deny": "0"}],
    "available_tags": [{"id": "1", "name": "x", "emoji_id": None, "emoji_name": "x"}],
}


def is_json(value: object) -> bool:
    """Find out whether a JSON document of either database can hold a value."""
    try:
        return bool(orjson.dumps(value))
    except TypeError:  # a number of more than 64 bits, or text that is no UTF-8
        return False


def made_of(payload: dict[str, Any]) -> MessageRecord:
    try:
        record = message_record(payload | {"id": "77"}, "5", HASH)
    except Exception as e:  # whatever it is, it would be the page's
        raise AssertionError(f"it cannot be converted: {type(e).__name__}: {e}") from e
    assert record is not None
    return record


@pytest.mark.slow
def test_any_value_in_any_field_of_a_message() -> None:
    made = 0
    for payload in [*poisoned(MESSAGE), MESSAGE | {"components": [nested(200)]}]:
        record = made_of(payload)
        assert utc_text(record.sent_at)
        assert all(t.count <= LARGEST_COUNT and len(t.emoji_key) <= LONGEST_KEY for t in record.reaction_totals)
        assert all(0 <= (file.size_bytes or 0) <= LARGEST_NUMBER for file in record.attachments)
        assert is_json([record.content, record.metadata, *(file.metadata for file in record.attachments)])
        made += 1
    assert made > 2_000


def test_any_value_in_any_field_of_a_channel_or_thread() -> None:
    listing = ChannelEvaluator("1", [], everyone("1"), HASH)
    for payload in poisoned(THREAD):
        thread = thread_record(payload | {"id": "77"}, None, HASH)
        for record in (thread, listing.channel(payload | {"id": "78"})):
            assert record is not None
            assert is_json(record.metadata)
            assert record.archived_at is None or utc_text(record.archived_at)


@pytest.mark.parametrize(("count", "read"), [(7, 7), (0, 0), (None, None), ("7", None), (True, None), (1.5, None)])
def test_a_count_that_is_none_is_not_taken_for_one(count: object, read: int | None) -> None:
    for number in (count, -1, 2**31):
        thread = thread_record(THREAD | {"message_count": number}, None, HASH)
        assert thread is not None
        assert thread.message_count == (read if number is count else None)


@pytest.mark.parametrize("field", ["timestamp", "edited_timestamp", "forwarded", "forward edited"])
@pytest.mark.parametrize("at", FAR[1:])
def test_a_time_that_no_calendar_goes_on_behind_is_none(field: str, at: str) -> None:
    """What was made of it ended the process, and again at each start."""
    copy = {"content": "x", "timestamp" if field == "forwarded" else "edited_timestamp": at}
    parts = {"message_snapshots": [{"message": copy}]} if field.startswith("forward") else {field: at}
    record = made_of(MESSAGE | {"edited_timestamp": None, "message_snapshots": None} | parts)
    thread = thread_record(THREAD | {"thread_metadata": {"archived": True, "archive_timestamp": at}}, None, HASH)
    assert thread is not None
    assert record.sent_at.year in {2015, 2026}
    assert (record.edited_at, thread.archived_at) == (None, None)
    assert at not in str((record.metadata, thread.metadata))


def test_what_no_index_and_no_column_holds_is_bounded() -> None:
    long = [{"emoji": {"id": None, "name": letter * 12_000}, "count": 2**31} for letter in ("x", "\U0001f468")]
    files = [FILE | {"size": 2**63}, FILE | {"id": "8", "size": -1}, FILE | {"id": "9", "size": 2**63 - 1}]
    record = made_of({"reactions": long, "attachments": files})
    assert [(total.count, len(total.emoji_key)) for total in record.reaction_totals] == [(10**9, 100)] * 2
    assert [file.size_bytes for file in record.attachments] == [None, None, 2**63 - 1]


@pytest.mark.parametrize("platform_id", ["", "01", "-1", "1" * 20, "abc", "١"])
def test_a_message_has_a_number_for_an_id(platform_id: str) -> None:
    with pytest.raises(ValueError, match="decimal number"):
        message(1, platform_id=platform_id)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5)), timezone(-timedelta(minutes=150))])))
def test_a_times_stored_text_is_the_one_of_python(time: datetime) -> None:
    try:
        expected = time.astimezone(UTC).isoformat(" ", "microseconds")
    except OverflowError:
        return
    assert utc_text(time) == expected
