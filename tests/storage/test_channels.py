"""Channels: stored as listed, parents found in any order, what does not change is not written."""

import random
from dataclasses import replace
from typing import Any

import pytest

from adapters.records import ChannelType, JsonValue, SkipReason
from storage.channels import (
    ChannelState,
    ProgressState,
    channel_states,
    fail_channel,
    finish_channel,
    follow_parents,
    mark_skipped,
    save_channels,
    save_threads,
)
from storage.database import Database
from storage.jobs import JobLease
from storage.tables import channels, sync_progress
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, channel, skipped, thread
from tests.support.tables_of import Rows, only_row, rows_of

LATER = NOW + MINUTE


MUCH_LATER = NOW + HOUR


CATEGORY = skipped(channel("1", type=ChannelType.CATEGORY), SkipReason.UNSUPPORTED)


TEXT = channel("2", parent_platform_id="1", last_message_platform_id="77")


THREAD = thread("3", "2")


async def test_a_channel_is_stored_with_its_parent_and_its_head(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [CATEGORY, TEXT, THREAD], NOW)
    by_id = await _states(db, tenant)
    assert by_id["2"] == ChannelState(
        id=by_id["2"].id,
        platform_id="2",
        parent_platform_id="1",
        type=ChannelType.TEXT,
        skip_reason=None,
        is_archived_thread=False,
        is_listed=True,
        visible_since=None,
        message_count=None,
        head_id="77",
        checkpoint_id=None,
        checkpoint_at=None,
        deleted_head_id=None,
        is_read_to_end=False,
        thread_cursor=None,
        threads_listed_at=None,
        unlisted_since=None,
        looked_up_at=None,
        state=None,
        messages_archived=0,
        last_error=None,
    )
    assert by_id["3"].parent_platform_id == "2"
    assert [row["name"] for row in await rows_of(db, channels)] == ["channel 1", "channel 2", "channel 3"]


async def test_parents_are_found_whatever_the_order(db: Database, tenant: Tenant) -> None:
    family = [channel(str(n), parent_platform_id=str(n // 2) if n > 1 else None) for n in range(1, 60)]
    random.Random(7).shuffle(family)  # an order, not a secret
    await save_channels(db, tenant.id, family, NOW)
    states = await _states(db, tenant)
    assert {i: s.parent_platform_id for i, s in states.items()} == {
        record.platform_id: record.parent_platform_id for record in family
    }


async def test_a_circle_of_parents_is_stored_without_its_last_link(db: Database, tenant: Tenant) -> None:
    circle = [channel("1", parent_platform_id="2"), channel("2", parent_platform_id="1"), thread("3", "3")]
    await save_channels(db, tenant.id, circle, NOW)
    assert set(await _states(db, tenant)) == {"1", "2", "3"}


async def test_an_unknown_parent_is_none_until_it_is_listed(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [THREAD], NOW)
    assert (await _states(db, tenant))["3"].parent_platform_id is None
    await save_channels(db, tenant.id, [THREAD, TEXT], LATER)
    assert (await _states(db, tenant))["3"].parent_platform_id == "2"


async def test_of_two_records_with_one_id_the_last_is_stored(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [TEXT, replace(TEXT, name="second")], NOW)
    assert [row["name"] for row in await rows_of(db, channels)] == ["second"]


async def test_what_did_not_change_is_not_written(db: Database, tenant: Tenant) -> None:
    family = [CATEGORY, TEXT, THREAD, skipped(channel("4"), SkipReason.NOT_PUBLIC)]
    await save_channels(db, tenant.id, family, NOW)
    before = await rows_of(db, channels)
    await save_channels(db, tenant.id, family[::-1], LATER)
    await save_threads(db, tenant.id, "2", [THREAD], {}, LATER)
    await follow_parents(db, tenant.id, LATER)
    await mark_skipped(db, tenant.id, ["4"], SkipReason.NOT_PUBLIC, LATER)
    after = await rows_of(db, channels)
    assert after[1].pop("thread_cursor") == {}
    assert [row["updated_at"] for row in after] == [NOW, LATER, NOW, NOW]
    assert _without(before, "thread_cursor", "updated_at") == _without(after, "thread_cursor", "updated_at")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "new"},
        {"type": ChannelType.FORUM},
        {"parent_platform_id": None},
        {"metadata": {"platform_type": 5}},
        {"last_message_platform_id": "78"},
        {"skip_reason": SkipReason.BOT_LACKS_ACCESS},
    ],
)
async def test_a_change_is_written(db: Database, tenant: Tenant, change: dict[str, Any]) -> None:
    await save_channels(db, tenant.id, [CATEGORY, TEXT], NOW)
    await save_channels(db, tenant.id, [replace(TEXT, **change)], LATER)
    row = (await rows_of(db, channels))[1]
    assert (row["created_at"], row["updated_at"]) == (NOW, LATER)


async def test_a_hidden_channel_keeps_what_was_known_of_it(db: Database, tenant: Tenant) -> None:
    known = channel("5", name="open", last_message_platform_id="9", metadata={"platform_type": 0, "topic": "tea"})
    hidden = channel("5", name=None, skip_reason=SkipReason.OBFUSCATED, metadata={"platform_type": 0})
    await save_channels(db, tenant.id, [known], NOW)
    await save_channels(db, tenant.id, [hidden], LATER)
    (row,) = await rows_of(db, channels)
    assert (row["name"], row["metadata"], row["head_platform_id"]) == ("open", known.metadata, "9")
    assert (row["sync_state"], row["skip_reason"], row["skipped_since"]) == ("skipped", "obfuscated", LATER)


async def test_progress_is_read_with_the_channel(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    error: dict[str, JsonValue] = {"code": "call_failed", "message": "503", "at": "2026-11-23T10:00:00Z", "attempts": 4}
    await fail_channel(db, general.id, error=error, job=lease, now=NOW)
    failed = (await _states(db, tenant))["5"]
    assert (failed.state, failed.last_error) == (ProgressState.FAILED, error)
    assert (await only_row(db, sync_progress))["last_job_id"] == lease.job_id
    await finish_channel(db, general.id, deleted_head_id="99", job=lease, now=LATER)
    done = (await _states(db, tenant))["5"]
    assert (done.state, done.last_error, done.deleted_head_id) == (ProgressState.COMPLETE, None, "99")
    await finish_channel(db, general.id, deleted_head_id=None, job=lease, now=LATER)
    assert (await _states(db, tenant))["5"].deleted_head_id is None


async def _states(db: Database, tenant: Tenant) -> dict[str, ChannelState]:
    return {state.platform_id: state for state in await channel_states(db, tenant.id)}


def _without(rows: Rows, *names: str) -> Rows:
    return [{k: v for k, v in row.items() if k not in names} for row in rows]
