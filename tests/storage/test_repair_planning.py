"""What is to be read again: after gaps, after a channel was out of sight, and for audits."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.records import SkipReason
from storage.channels import channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.messages import mark_deleted
from storage.repair import RefetchKind, count_pending_ranges, request_audit
from storage.tables import channels, refetch_ranges, sync_gaps, tenants
from storage.tenants import stop_tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND, channel, message, thread
from tests.support.repair_steps import BEGINNING, LATER, Way
from tests.support.tables_of import only_row, rows_of, run_sql

pytestmark = pytest.mark.slow


class TestPlanning:
    async def test_nothing_to_plan_takes_no_lease(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await way.gap(NOW - MINUTE, None)
        way.lease = replace(way.lease, owner="nobody")
        assert await way.plan() == 0
        await way.gap(NOW - HOUR, NOW)
        with pytest.raises(LeaseLost):
            await way.plan()
        assert {row["planned_at"] for row in await rows_of(db, sync_gaps)} == {None}

    async def test_a_gap_is_read_again_in_the_channels_active_then(self, db: Database, way: Way) -> None:
        listed = [channel("6"), channel("7"), channel("8"), channel("9")]
        await save_channels(db, way.tenant.id, listed, NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        await way.store(message(100), message(2000))
        await way.store(message(99), channel_id=ids["6"])  # too old
        await way.store(message(150), channel_id=ids["7"])
        await way.store(message(2000), channel_id=ids["8"])
        await mark_deleted(db, ids["8"], ["2000"], job=way.lease, now=NOW)
        await way.store(message(2000), channel_id=ids["9"])
        await mark_skipped(db, way.tenant.id, ["9"], SkipReason.NOT_PUBLIC, NOW)
        for began in (160, 170):
            await way.gap(BEGINNING + began * SECOND, NOW)
        assert await way.plan(lookback=60 * SECOND) == 2
        assert await way.ranges() == [("5", "99", "2000"), ("7", "99", "150")]
        assert {(row["planned_at"], row["repaired_at"]) for row in await rows_of(db, sync_gaps)} == {(LATER, None)}
        assert await way.plan(lookback=60 * SECOND) == 0

    async def test_a_gap_of_another_tenant_is_another(self, db: Database, way: Way) -> None:
        await run_sql(
            db,
            "INSERT INTO tenants (id, platform, platform_id, sync_status, metadata, created_at, updated_at)"
            " SELECT 'discord-other', platform, 'other', sync_status, metadata, created_at, updated_at FROM tenants",
        )
        await way.store(message(100))
        await way.gap(BEGINNING, NOW, tenant_id="discord-other")
        assert await way.plan() == 0
        assert (await only_row(db, sync_gaps))["planned_at"] is None

    async def test_what_is_left_of_an_earlier_gap_is_widened(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in (50, 100, 200)))
        await way.gap(BEGINNING + 60 * SECOND, NOW)
        assert await way.plan() == 1
        first = await way.only()
        assert (first.after_platform_id, first.until_platform_id) == ("59", "200")
        moved = (await way.save(first, message(100), reached="100")).left
        assert moved is not None
        await way.store(message(3000))
        await way.gap(BEGINNING + 150 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.only() == replace(first, after_platform_id="100", until_platform_id="3000")
        await way.gap(BEGINNING + 5 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.only() == replace(first, after_platform_id="4", until_platform_id="3000")
        await way.gap(BEGINNING + 100 * SECOND, NOW)
        assert await way.plan(now=LATER + MINUTE) == 0
        row = await only_row(db, refetch_ranges)
        assert (row["after_platform_id"], row["seen"], row["updated_at"]) == ("4", 1, LATER)

    async def test_ids_are_compared_as_numbers(self, db: Database, way: Way) -> None:
        await way.store(message(99), message(1000))
        await way.gap(BEGINNING + 999 * SECOND, NOW)
        assert await way.plan() == 1
        await way.gap(BEGINNING + 99 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.ranges() == [("5", "98", "1000")]

    @pytest.mark.parametrize(
        ("archived_at", "planned"),
        [
            (datetime(2026, 11, 23, 7, 29, 59, 999_000, UTC), False),
            (datetime(2026, 11, 23, 7, 30, tzinfo=UTC), True),
            (datetime(2026, 11, 23, 9, 29, tzinfo=UTC), True),  # this machine's clock may be ahead
            (datetime(2026, 11, 23, 9, 59, tzinfo=UTC), True),
            (None, True),  # open, or nobody knows since when it is not
        ],
    )
    async def test_a_thread_that_was_archived_before_is_as_it_was(
        self, db: Database, way: Way, archived_at: datetime | None, planned: bool
    ) -> None:
        closed, opened = thread("6", "5", archived_at=archived_at), thread("7", "5")
        await save_channels(db, way.tenant.id, [closed, opened], NOW)
        for each in (await channel_states(db, way.tenant.id))[1:]:
            await way.store(message(1700), channel_id=each.id)
        await way.gap(NOW.replace(minute=30, second=0, microsecond=0) - HOUR, NOW)
        assert await way.plan(lookback=5 * MINUTE) == 1 + planned
        assert {r.channel_platform_id for r in await way.pending()} == {"7", *(["6"] if planned else [])}

    async def test_a_channel_that_is_shown_again(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6"), channel("7")], NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        for platform_id in "567":
            await way.store(message(100), message(200), channel_id=ids[platform_id])
        await mark_skipped(db, way.tenant.id, ["5", "6"], SkipReason.NOT_PUBLIC, BEGINNING + 180 * SECOND)
        await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, BEGINNING + 900 * SECOND)
        assert await way.plan(lookback=60 * SECOND) == 0
        await save_channels(db, way.tenant.id, [channel("5"), channel("7")], NOW)
        assert await way.plan(lookback=60 * SECOND) == 1
        assert await way.ranges() == [("5", "119", "200")]
        unseen = {row["platform_id"]: row["unmonitored_since"] for row in await rows_of(db, channels)}
        assert unseen == {"5": None, "6": BEGINNING + 180 * SECOND, "7": None}
        assert await way.plan(lookback=60 * SECOND) == 0

    async def test_a_channel_that_was_hidden_before_its_gap_was_repaired(self, db: Database, way: Way) -> None:
        await way.store(message(100), message(200))
        await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        await way.gap(BEGINNING + 150 * SECOND, NOW)
        assert await way.plan() == 0
        assert (await only_row(db, channels))["unmonitored_since"] == BEGINNING + 150 * SECOND
        await save_channels(db, way.tenant.id, [channel("5")], NOW + SECOND)
        assert await way.plan() == 1
        assert await way.ranges() == [("5", "149", "200")]

    async def test_an_audit_of_every_archived_channel_with_a_checkpoint(self, db: Database, way: Way) -> None:
        listed = [channel("6"), thread("7", "5"), channel("8")]
        await save_channels(db, way.tenant.id, listed, NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        for platform_id in "578":
            await way.store(message(100), channel_id=ids[platform_id])
        await mark_skipped(db, way.tenant.id, ["8"], SkipReason.NOT_PUBLIC, NOW)
        assert await way.plan() == 0
        for now in (NOW, LATER):
            await request_audit(db, way.tenant.id, now)
        assert (await only_row(db, tenants))["audit_requested_at"] == NOW
        assert await way.plan() == 2
        assert await way.ranges() == [("5", None, "100"), ("7", None, "100")]
        assert {r.kind for r in await way.pending()} == {RefetchKind.AUDIT}
        row = await only_row(db, tenants)
        assert (row["audit_requested_at"], row["audited_at"]) == (None, None)
        await way.store(message(200))
        await request_audit(db, way.tenant.id, LATER)
        assert await way.plan() == 0
        assert await way.ranges() == [("5", None, "100"), ("7", None, "100")]

    async def test_where_nothing_is_stored_an_audit_is_done_at_once(self, db: Database, way: Way) -> None:
        await request_audit(db, way.tenant.id, NOW)
        assert await way.plan() == 0
        row = await only_row(db, tenants)
        assert (row["audit_requested_at"], row["audited_at"]) == (None, LATER)

    async def test_a_stopped_or_unknown_tenant_is_not_audited(self, db: Database, way: Way) -> None:
        await request_audit(db, "discord-other", NOW)
        await stop_tenant(db, way.tenant.id, NOW)
        await request_audit(db, way.tenant.id, NOW)
        assert (await only_row(db, tenants))["audit_requested_at"] is None

    async def test_what_is_pending_is_listed_and_counted_channel_by_channel(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6")], NOW)
        other = (await channel_states(db, way.tenant.id))[1]
        for channel_id in (way.channel.id, other.id):
            await way.store(message(9), message(10), channel_id=channel_id)
        await request_audit(db, way.tenant.id, NOW)
        await way.gap(BEGINNING, NOW)
        await way.plan()
        await way.refetch("9", channel="6")
        await way.refetch("10", "9")
        found = await way.pending()
        assert [(r.kind, r.channel_platform_id) for r in found] == [
            *((RefetchKind.REFETCH, channel_id) for channel_id in "556"),
            *((kind, channel_id) for kind in (RefetchKind.GAP, RefetchKind.AUDIT) for channel_id in "56"),
        ]
        assert {(r.kind.value, r.channel_platform_id, r.until_platform_id) for r in found} == {
            ("refetch", "5", "9"),
            ("refetch", "5", "10"),
            ("refetch", "6", "9"),
            ("gap", "5", "10"),
            ("gap", "6", "10"),
            ("audit", "5", "10"),
            ("audit", "6", "10"),
        }
        counts = {RefetchKind.REFETCH: 3, RefetchKind.GAP: 2, RefetchKind.AUDIT: 2}
        assert await count_pending_ranges(db, way.tenant.id) == counts
        await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        assert {r.channel_platform_id for r in await way.pending()} == {"6"}
        assert await count_pending_ranges(db, way.tenant.id) == dict.fromkeys(counts, 1)
        assert await count_pending_ranges(db, "discord-other") == {}
