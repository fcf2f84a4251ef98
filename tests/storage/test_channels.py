"""Channels: stored as listed, parents found in any order, skipped with a reason and since when."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.records import ChannelRecord, ChannelType, JsonValue, SkipReason
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
from storage.tables import channels
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, channel, skipped, thread
from tests.support.tables_of import Rows, rows_of

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
        name="channel 2",
        type=ChannelType.TEXT,
        skip_reason=None,
        skipped_since=None,
        is_archived_thread=False,
        message_count=None,
        head_id="77",
        checkpoint_id=None,
        checkpoint_at=None,
        deleted_head_id=None,
        thread_cursor=None,
        state=None,
        messages_archived=0,
        last_error=None,
        last_job_id=None,
    )
    assert by_id["3"].parent_platform_id == "2"


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


async def test_an_unknown_parent_is_none_until_it_is_told(db: Database, tenant: Tenant) -> None:
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


async def test_since_when_a_channel_is_skipped(db: Database, tenant: Tenant) -> None:
    async def told(reason: SkipReason | None, now: Any) -> tuple[Any, ...]:
        await save_channels(db, tenant.id, [channel("5", skip_reason=reason)], now)
        (row,) = await rows_of(db, channels)
        return row["sync_state"], row["skip_reason"], row["skipped_since"]

    assert await told(SkipReason.NOT_PUBLIC, NOW) == ("skipped", "not_public", NOW)
    assert await told(SkipReason.NOT_PUBLIC, LATER) == ("skipped", "not_public", NOW)
    assert await told(SkipReason.BOT_LACKS_ACCESS, LATER) == ("skipped", "bot_lacks_access", LATER)
    assert await told(None, MUCH_LATER) == ("archived", None, None)
    assert await told(SkipReason.NOT_PUBLIC, MUCH_LATER) == ("skipped", "not_public", MUCH_LATER)


async def test_a_skipped_channel_that_is_renamed_is_skipped_since_the_same_time(db: Database, tenant: Tenant) -> None:
    hidden = skipped(channel("5"), SkipReason.NOT_PUBLIC)
    await save_channels(db, tenant.id, [hidden], NOW)
    await save_channels(db, tenant.id, [replace(hidden, name="renamed")], LATER)
    (row,) = await rows_of(db, channels)
    assert (row["name"], row["updated_at"], row["skipped_since"]) == ("renamed", LATER, NOW)


class TestUnseenSince:
    """Since when changes may have been missed, until their repair is planned."""

    async def unseen(self, db: Database) -> dict[str, Any]:
        return {row["platform_id"]: row["unmonitored_since"] for row in await rows_of(db, channels)}

    async def test_it_is_set_when_a_channel_becomes_skipped_and_kept(self, db: Database, tenant: Tenant) -> None:
        steps = [(None, NOW, None), (SkipReason.NOT_PUBLIC, NOW, NOW), (SkipReason.BOT_LACKS_ACCESS, LATER, NOW)]
        steps += [(None, LATER, NOW), (SkipReason.NOT_PUBLIC, MUCH_LATER, NOW)]
        for reason, now, expected in steps:
            await save_channels(db, tenant.id, [channel("5", skip_reason=reason)], now)
            assert await self.unseen(db) == {"5": expected}

    async def test_of_one_that_was_never_read_nothing_was_missed(self, db: Database, tenant: Tenant) -> None:
        for reason in (SkipReason.NOT_PUBLIC, SkipReason.BOT_LACKS_ACCESS, None):
            await save_channels(db, tenant.id, [channel("5", skip_reason=reason)], NOW)
            assert await self.unseen(db) == {"5": None}

    async def test_by_marking_and_by_following_too(self, db: Database, tenant: Tenant) -> None:
        await save_channels(db, tenant.id, [TEXT, THREAD, channel("5")], NOW)
        for now in (LATER, MUCH_LATER):
            await mark_skipped(db, tenant.id, ["2"], SkipReason.NOT_PUBLIC, now)
            await follow_parents(db, tenant.id, now)
            assert await self.unseen(db) == {"2": LATER, "3": LATER, "5": None}
        await save_channels(db, tenant.id, [TEXT], MUCH_LATER)
        await follow_parents(db, tenant.id, MUCH_LATER)
        assert await self.unseen(db) == {"2": LATER, "3": LATER, "5": None}


async def test_marking_is_undone_by_a_listing(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW)
    await mark_skipped(db, tenant.id, ["2", "3", "404"], SkipReason.DELETED, LATER)
    await mark_skipped(db, tenant.id, [], SkipReason.DELETED, LATER)
    assert await _reasons(db, tenant) == {"2": SkipReason.DELETED, "3": SkipReason.DELETED}
    await save_channels(db, tenant.id, [TEXT, THREAD], MUCH_LATER)
    assert await _reasons(db, tenant) == {"2": None, "3": None}


async def test_marking_touches_one_tenant_only(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [TEXT], NOW)
    await mark_skipped(db, "discord-other", ["2"], SkipReason.DELETED, LATER)
    assert await _reasons(db, tenant) == {"2": None}


class TestThreadsAndTheirParent:
    """A thread is read where its parent is, unless it has a reason of its own."""

    PRIVATE = replace(thread("4", "2"), skip_reason=SkipReason.NOT_PUBLIC, metadata={"platform_type": 12})
    HIDDEN = replace(TEXT, skip_reason=SkipReason.NOT_PUBLIC)

    async def test_a_listed_thread_takes_its_parents_reason(self, db: Database, tenant: Tenant) -> None:
        await save_channels(db, tenant.id, [THREAD, self.HIDDEN], NOW)
        assert await _reasons(db, tenant) == {"2": SkipReason.NOT_PUBLIC, "3": SkipReason.NOT_PUBLIC}
        await save_channels(db, tenant.id, [THREAD, TEXT], LATER)
        assert await _reasons(db, tenant) == {"2": None, "3": None}

    async def test_a_thread_that_no_listing_shows_follows(self, db: Database, tenant: Tenant) -> None:
        await save_channels(db, tenant.id, [TEXT, THREAD], NOW)
        for parent, reason, now in ((self.HIDDEN, SkipReason.NOT_PUBLIC, LATER), (TEXT, None, MUCH_LATER)):
            await save_channels(db, tenant.id, [parent], now)
            await follow_parents(db, tenant.id, now)
            row = (await rows_of(db, channels))[1]
            assert (row["skip_reason"], row["updated_at"]) == (reason, now)
            assert row["skipped_since"] == (now if reason else None)

    @pytest.mark.parametrize("own", [SkipReason.DELETED, SkipReason.BOT_LACKS_ACCESS])
    async def test_a_reason_of_its_own_outlives_its_parents(
        self, db: Database, tenant: Tenant, own: SkipReason
    ) -> None:
        await save_channels(db, tenant.id, [TEXT, THREAD], NOW)
        await mark_skipped(db, tenant.id, ["3"], own, NOW)
        for parent in (self.HIDDEN, TEXT):
            await save_channels(db, tenant.id, [parent], LATER)
            await follow_parents(db, tenant.id, LATER)
            assert (await _reasons(db, tenant))["3"] is own

    async def test_a_private_thread_is_never_read(self, db: Database, tenant: Tenant) -> None:
        for parent in (self.HIDDEN, TEXT, self.HIDDEN, TEXT):
            await save_channels(db, tenant.id, [self.PRIVATE, parent], LATER)
            await follow_parents(db, tenant.id, LATER)
            assert (await _reasons(db, tenant))["4"] is SkipReason.NOT_PUBLIC

    async def test_a_channel_does_not_follow_its_category(self, db: Database, tenant: Tenant) -> None:
        await save_channels(db, tenant.id, [CATEGORY, TEXT], NOW)
        await follow_parents(db, tenant.id, NOW)
        assert (await _reasons(db, tenant))["2"] is None

    async def test_the_listing_of_a_page_of_archived_threads(self, db: Database, tenant: Tenant) -> None:
        await save_channels(db, tenant.id, [TEXT], NOW)
        page: Sequence[ChannelRecord] = [
            thread(str(n), "2", metadata={"platform_type": 11, "archived": True}) for n in range(10, 14)
        ]
        await save_threads(db, tenant.id, "2", page, {"until": "2026-11-23"}, LATER)
        states = await _states(db, tenant)
        assert states["2"].thread_cursor == {"until": "2026-11-23"}
        assert {i for i, s in states.items() if s.is_archived_thread} == {"10", "11", "12", "13"}
        assert {s.parent_platform_id for i, s in states.items() if i != "2"} == {"2"}


async def test_progress_is_told_with_the_channel(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    error: dict[str, JsonValue] = {"code": "call_failed", "message": "503", "at": "2026-11-23T10:00:00Z", "attempts": 4}
    await fail_channel(db, general.id, error=error, job=lease, now=NOW)
    failed = (await _states(db, tenant))["5"]
    assert (failed.state, failed.last_error, failed.last_job_id) == (ProgressState.FAILED, error, lease.job_id)
    await finish_channel(db, general.id, deleted_head_id="99", job=lease, now=LATER)
    done = (await _states(db, tenant))["5"]
    assert (done.state, done.last_error, done.deleted_head_id) == (ProgressState.COMPLETE, None, "99")
    await finish_channel(db, general.id, deleted_head_id=None, job=lease, now=LATER)
    assert (await _states(db, tenant))["5"].deleted_head_id is None


async def _states(db: Database, tenant: Tenant) -> dict[str, ChannelState]:
    return {state.platform_id: state for state in await channel_states(db, tenant.id)}


async def _reasons(db: Database, tenant: Tenant) -> dict[str, SkipReason | None]:
    return {i: state.skip_reason for i, state in (await _states(db, tenant)).items()}


def _without(rows: Rows, *names: str) -> Rows:
    return [{k: v for k, v in row.items() if k not in names} for row in rows]
