"""A sync is given the channels that it has something to do for, and no others."""

from itertools import product
from typing import Any

import pytest

from adapters.records import ChannelType, SkipReason
from storage.channels import (
    ChannelState,
    channel_states,
    channels_to_be_found,
    channels_to_be_read,
    named_channels,
    save_changed_channels,
    save_channels,
)
from storage.database import Database
from storage.tenants import Tenant
from tests.support.builders import NOW, channel, skipped, thread
from tests.support.tables_of import run_sql

HEADS = (None, "99", "100", "101")


async def fill(db: Database, tenant: Tenant) -> list[ChannelState]:
    """Channels and threads in every state that decides whether there is news."""
    kinds: list[dict[str, Any]] = [
        {"type": ChannelType.TEXT},
        {"type": ChannelType.FORUM},
        {"type": ChannelType.THREAD, "parent_platform_id": "1"},
    ]
    cases = list(product(kinds, HEADS, (None, "100"), (None, "99", "101"), (False, True)))
    records = [
        channel(str(1000 + n), last_message_platform_id=head, **kind) for n, (kind, head, *_) in enumerate(cases)
    ]
    hidden = skipped(channel("2", last_message_platform_id="5"), SkipReason.NOT_PUBLIC)
    await save_channels(db, tenant.id, [channel("1"), hidden, *records], NOW)
    for n, (_, _, checkpoint, deleted, is_read) in enumerate(cases):
        await run_sql(
            db,
            "INSERT INTO sync_progress (channel_id, last_message_platform_id, deleted_head_platform_id, is_read_to_end,"
            " messages_archived, state, created_at, updated_at) SELECT id, :checkpoint, :deleted,"
            " :is_read, 0, 'complete', created_at, updated_at FROM channels WHERE platform_id = :channel",
            is_read=is_read,
            checkpoint=checkpoint,
            deleted=deleted,
            channel=str(1000 + n),
        )
    return await channel_states(db, tenant.id)


async def to_be_read(db: Database, tenant: Tenant) -> list[ChannelState]:
    return [state async for some in channels_to_be_read(db, tenant.id) for state in some]


@pytest.mark.slow
async def test_news_by_sql_are_news_by_the_state(db: Database, tenant: Tenant) -> None:
    states = await fill(db, tenant)
    expected = [state.platform_id for state in states if state.has_news]
    assert 20 < len(expected) < len(states) - 20
    assert [state.platform_id for state in await to_be_read(db, tenant)] == expected


async def test_what_failed_is_to_be_read_too(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [channel(number, type=ChannelType.FORUM) for number in "12"], NOW)
    await run_sql(
        db,
        "INSERT INTO sync_progress (channel_id, messages_archived, state, last_error, created_at, updated_at)"
        " SELECT id, 0, 'failed', '{}', created_at, updated_at FROM channels WHERE platform_id = '2'",
    )
    assert [state.platform_id for state in await to_be_read(db, tenant)] == ["2"]


@pytest.mark.slow
async def test_more_than_are_read_at_once(db: Database, tenant: Tenant) -> None:
    records = [channel("1"), *(thread(str(1000 + n), "1") for n in range(1_234))]
    await save_channels(db, tenant.id, records, NOW)
    assert len(await to_be_read(db, tenant)) == 1_235
    named = await named_channels(db, tenant.id, ["1", "1500", "77"])
    assert [state.platform_id for state in named] == ["1", "1500"]


async def test_what_no_listing_shows(db: Database, tenant: Tenant) -> None:
    archived = {"archived_at": NOW, "metadata": {"archived": True}}
    records = [
        channel("1"),
        channel("2"),
        skipped(channel("3"), SkipReason.NOT_PUBLIC),
        thread("11", "1"),
        thread("12", "1"),
        thread("13", "1", **archived),
        thread("14", "1", **archived),
    ]
    await save_channels(db, tenant.id, records, NOW)
    found = await channels_to_be_found(db, tenant.id, listed=["1", "11"], missed=["14"])
    assert [state.platform_id for state in found] == ["2", "12", "14"]
    await run_sql(db, "UPDATE channels SET looked_up_at = created_at WHERE platform_id = '11'")
    found = await channels_to_be_found(db, tenant.id, listed=["1", "11"], missed=["14"])
    assert [state.platform_id for state in found] == ["2", "11", "12", "14"]


async def test_a_thread_that_an_event_described_before_its_channel_was_listed(db: Database, tenant: Tenant) -> None:
    await save_changed_channels(db, tenant.id, [thread("11", "1"), thread("12", "1", archived_at=NOW)], NOW)
    await save_channels(db, tenant.id, [channel("1"), skipped(thread("13", "9"), SkipReason.NOT_PUBLIC)], NOW)
    found = await channels_to_be_found(db, tenant.id, listed=["1", "11"], missed=[])
    assert [state.platform_id for state in found] == ["12"], "a listing with 11 links it, nothing does this for 12"
    await save_channels(db, tenant.id, [thread("11", "1"), thread("12", "1")], NOW)
    assert not await channels_to_be_found(db, tenant.id, listed=["1", "11", "12"], missed=[])
    assert [state.platform_id for state in await to_be_read(db, tenant)] == ["11", "12", "1"]
