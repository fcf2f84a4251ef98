"""Skipped channels: which, why and since when; threads follow their parent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.records import ChannelRecord, ChannelType, SkipReason
from storage.channels import (
    ChannelState,
    channel_states,
    follow_parents,
    mark_skipped,
    save_changed_channels,
    save_channels,
    save_threads,
)
from storage.database import Database
from storage.tables import channels
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, channel, skipped, thread
from tests.support.tables_of import rows_of

LATER = NOW + MINUTE


MUCH_LATER = NOW + HOUR


CATEGORY = skipped(channel("1", type=ChannelType.CATEGORY), SkipReason.UNSUPPORTED)


TEXT = channel("2", parent_platform_id="1", last_message_platform_id="77")


THREAD = thread("3", "2")


async def test_since_when_a_channel_is_skipped(db: Database, tenant: Tenant) -> None:
    async def listed(reason: SkipReason | None, now: Any) -> tuple[Any, ...]:
        await save_channels(db, tenant.id, [channel("5", skip_reason=reason)], now)
        (row,) = await rows_of(db, channels)
        return row["sync_state"], row["skip_reason"], row["skipped_since"]

    assert await listed(SkipReason.NOT_PUBLIC, NOW) == ("skipped", "not_public", NOW)
    assert await listed(SkipReason.NOT_PUBLIC, LATER) == ("skipped", "not_public", NOW)
    assert await listed(SkipReason.BOT_LACKS_ACCESS, LATER) == ("skipped", "bot_lacks_access", LATER)
    assert await listed(None, MUCH_LATER) == ("archived", None, None)
    assert await listed(SkipReason.NOT_PUBLIC, MUCH_LATER) == ("skipped", "not_public", MUCH_LATER)


async def test_a_skipped_channel_that_is_renamed_is_skipped_since_the_same_time(db: Database, tenant: Tenant) -> None:
    hidden = skipped(channel("5"), SkipReason.NOT_PUBLIC)
    await save_channels(db, tenant.id, [hidden], NOW)
    await save_channels(db, tenant.id, [replace(hidden, name="renamed")], LATER)
    (row,) = await rows_of(db, channels)
    assert (row["name"], row["updated_at"], row["skipped_since"]) == ("renamed", LATER, NOW)


async def test_a_thread_whose_event_came_before_its_parent_shares_what_the_parent_is(
    db: Database, tenant: Tenant
) -> None:
    async def reason_of_the_thread() -> str | None:
        return next(str(row["skip_reason"]) for row in await rows_of(db, channels) if row["platform_id"] == "3")

    await save_changed_channels(db, tenant.id, [THREAD], NOW)
    assert await reason_of_the_thread() == "bot_lacks_access", "nothing is known of its parent"
    await save_channels(db, tenant.id, [TEXT], LATER)
    await save_changed_channels(db, tenant.id, [THREAD], MUCH_LATER)
    assert await reason_of_the_thread() == "None"
    await save_changed_channels(db, tenant.id, [skipped(TEXT, SkipReason.NOT_PUBLIC)], MUCH_LATER)
    await save_changed_channels(db, tenant.id, [THREAD], MUCH_LATER)
    assert await reason_of_the_thread() == "not_public", "no event shows what was hidden"


async def test_an_event_shows_no_thread_of_a_hidden_parent_that_came_later(db: Database, tenant: Tenant) -> None:
    await save_changed_channels(db, tenant.id, [THREAD], NOW)
    await save_channels(db, tenant.id, [skipped(TEXT, SkipReason.NOT_PUBLIC)], LATER)
    await save_changed_channels(db, tenant.id, [THREAD], MUCH_LATER)
    assert {row["skip_reason"] for row in await rows_of(db, channels)} == {"not_public"}


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
        page: Sequence[ChannelRecord] = [thread(str(n), "2", archived_at=NOW) for n in range(10, 14)]
        await save_threads(db, tenant.id, "2", page, {"until": "2026-11-23"}, LATER)
        states = await _states(db, tenant)
        assert states["2"].thread_cursor == {"until": "2026-11-23"}
        assert {i for i, s in states.items() if s.is_archived_thread} == {"10", "11", "12", "13"}
        assert {s.parent_platform_id for i, s in states.items() if i != "2"} == {"2"}


async def _states(db: Database, tenant: Tenant) -> dict[str, ChannelState]:
    return {state.platform_id: state for state in await channel_states(db, tenant.id)}


async def _reasons(db: Database, tenant: Tenant) -> dict[str, SkipReason | None]:
    return {i: state.skip_reason for i, state in (await _states(db, tenant)).items()}
