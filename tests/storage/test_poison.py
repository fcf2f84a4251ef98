"""Whatever stands in any field of a payload, what becomes of it can be stored on both databases and read again."""

from functools import cache
from typing import Any

import pytest

from adapters.discord.convert import message_record, thread_record
from adapters.discord.permissions import ChannelEvaluator, everyone
from adapters.records import ChannelRecord, MessageRecord
from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database, open_database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.messages.diff import is_changed, stored_messages
from storage.tables import channels, reaction_totals
from storage.tenants import Tenant, save_tenant
from tests.support.builders import GUILD, NOW, SHA, channel, message
from tests.support.job_steps import running_job
from tests.support.payloads import FAR, HASH, nested, poisoned
from tests.support.postgres import Postgres
from tests.support.tables_of import rows_of

FILE = {"id": "7", "filename": "x", "size": 1, "url": "https://x.example/?ex=1", "duration_secs": 1.0, "width": 1}
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


def records(payloads: Any) -> list[MessageRecord]:
    return [r for n, p in enumerate(payloads) if (r := message_record(p | {"id": str(10**6 + n)}, "5", HASH))]


@cache
def poisoned_messages() -> list[MessageRecord]:
    return records([*poisoned(MESSAGE), MESSAGE | {"components": [nested(400)]}])


async def stored(db: Database, channel_id: int, ids: list[str]) -> dict[str, MessageRecord]:
    async with db.reading() as connection:
        found = await stored_messages(connection, channel_id, ids)
    return {message_id: message.record for message_id, message in found.items()}


async def test_any_value_in_any_field_of_a_message(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    made = poisoned_messages()
    assert len(made) > 2000
    for start in range(0, len(made), 1000):
        batch = made[start : start + 1000]
        await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=batch, job=lease), NOW)
    found = await stored(db, general.id, [record.platform_id for record in made])
    assert found.keys() == {record.platform_id for record in made}
    for record in made:
        as_read = found[record.platform_id]
        assert (as_read.sent_at, as_read.content) == (record.sent_at, record.content)


async def test_any_value_in_any_field_of_a_channel_or_thread(db: Database, tenant: Tenant) -> None:
    listing = ChannelEvaluator("1", [], everyone("1"), HASH)
    made: list[ChannelRecord] = []
    for n, payload in enumerate(poisoned(THREAD)):
        number = {"id": str(10**6 + 2 * n)}
        thread = thread_record(payload | number, None, HASH)
        assert thread is not None
        made += [thread, *listing.channels([payload | {"id": str(10**6 + 2 * n + 1)}], {})]
    await save_channels(db, tenant.id, made, NOW)
    assert len(await rows_of(db, channels)) == len(made)


async def test_what_no_index_and_no_column_holds_is_bounded(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    long = [{"emoji": {"id": None, "name": letter * 12_000}, "count": 2**31} for letter in ("x", "\U0001f468")]
    payload = {"id": "1", "reactions": long, "attachments": [FILE | {"size": 2**63}, FILE | {"id": "8", "size": -1}]}
    made = message_record(payload, "5", HASH)
    assert made is not None
    await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[made], job=lease), NOW)
    assert [row["count"] for row in await rows_of(db, reaction_totals)] == [10**9, 10**9]
    assert not is_changed((await stored(db, general.id, ["1"]))["1"], made)
    assert [file.size_bytes for file in made.attachments] == [None, None]


async def test_far_times_are_kept_or_taken_from_the_id_whatever_the_servers_time_zone(postgres: Postgres) -> None:
    """West of Greenwich the year 1 would begin in the year before it, which Python has not."""
    url = postgres.create_database()
    postgres.execute(url, "ALTER ROLE CURRENT_USER SET timezone TO 'America/New_York'")
    try:
        await _assert_far_times_are_read(url)
    finally:
        postgres.execute(url, "ALTER ROLE CURRENT_USER RESET timezone")


async def _assert_far_times_are_read(url: str) -> None:
    db = await open_database(url, hash_choice=SHA)
    try:
        tenant = (await save_tenant(db, "discord", GUILD, connected=True, now=NOW))[0]
        lease = await running_job(db, tenant.id)
        await save_channels(db, tenant.id, [channel("5")], NOW)
        general = (await channel_states(db, tenant.id))[0]
        made = records({"timestamp": at, "edited_timestamp": at} for at in FAR)
        batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=made, job=lease)
        await save_batch(db, batch, NOW)
        found = await stored(db, general.id, [record.platform_id for record in made])
        assert [found[record.platform_id].sent_at.year for record in made] == [1, 2015, 2015, 2015]
    finally:
        await db.close()


@pytest.mark.parametrize("platform_id", ["", "01", "-1", "1" * 20, "abc", "١"])
def test_a_message_has_a_number_for_an_id(platform_id: str) -> None:
    with pytest.raises(ValueError, match="decimal number"):
        message(1, platform_id=platform_id)
