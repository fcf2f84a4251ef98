"""Gaps: who leads, what was not received, and when it is repaired."""

from datetime import datetime
from typing import Any

import pytest

from adapters.records import SkipReason
from storage.channels import ChannelState, channel_states, mark_skipped
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.repair import Gap, GapReason, close_gap, list_gaps, record_gap, settle_gaps
from storage.tables import sync_gaps
from storage.tenants import Tenant, purge_tenant, resume_tenant, save_tenant, stop_tenant
from tests.support.builders import GUILD, HOUR, MINUTE, NOW, SECOND, message
from tests.support.tables_of import count_of, only_row, rows_of, run_sql

LATER = NOW + MINUTE
MUCH_LATER = NOW + HOUR


@pytest.fixture
async def read(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Tenant:
    """The tenant with a message stored."""
    batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[message(7)], job=lease)
    await save_batch(db, batch, NOW)
    return tenant


async def put_down(
    db: Database, tenant: Tenant, began_at: datetime | None, ended_at: datetime | None, **other: Any
) -> None:
    reason = other.pop("reason", GapReason.SESSION_LOST)
    await record_gap(db, tenant.id, reason, began_at=began_at, ended_at=ended_at, now=MUCH_LATER)


async def times(db: Database) -> list[tuple[datetime, datetime | None]]:
    return [(row["began_at"], row["ended_at"]) for row in await rows_of(db, sync_gaps)]


class TestRecording:
    async def test_a_gap_that_is_over(self, db: Database, read: Tenant) -> None:
        await put_down(db, read, NOW, LATER)
        (gap,) = await list_gaps(db, read.id)
        assert gap == Gap(
            id=gap.id,
            tenant_id=read.id,
            reason=GapReason.SESSION_LOST,
            began_at=NOW,
            ended_at=LATER,
            planned_at=None,
            repaired_at=None,
        )
        await put_down(db, read, LATER + SECOND, MUCH_LATER)
        assert await times(db) == [(NOW, LATER), (LATER + SECOND, MUCH_LATER)]

    @pytest.mark.parametrize(("began_at", "ended_at"), [(NOW, LATER), (LATER, MUCH_LATER), (NOW - HOUR, LATER)])
    async def test_one_that_is_noticed_twice_is_put_down_once(
        self, db: Database, read: Tenant, began_at: datetime, ended_at: datetime
    ) -> None:
        await put_down(db, read, NOW, LATER)
        await put_down(db, read, began_at, ended_at, reason=GapReason.TAKEOVER)
        row = await only_row(db, sync_gaps)
        assert (row["began_at"], row["ended_at"]) == (min(NOW, began_at), max(LATER, ended_at))
        assert row["reason"] == "session_lost"

    async def test_one_whose_beginning_is_unknown_begins_with_the_tenant(self, db: Database, read: Tenant) -> None:
        await put_down(db, read, None, LATER)
        assert await times(db) == [(read.created_at, LATER)]

    @pytest.mark.parametrize(
        ("began_at", "ended_at", "expected"),
        [
            (MUCH_LATER, None, (LATER, None)),
            (NOW, None, (NOW, None)),
            (MUCH_LATER, MUCH_LATER + HOUR, (LATER, MUCH_LATER + HOUR)),
            (NOW, MUCH_LATER, (NOW, MUCH_LATER)),
            (None, MUCH_LATER, (NOW, MUCH_LATER)),
        ],
    )
    async def test_an_open_one_takes_the_next_one_in(
        self, db: Database, read: Tenant, began_at: datetime | None, ended_at: datetime | None, expected: Any
    ) -> None:
        await put_down(db, read, LATER, None, reason=GapReason.OUTAGE)
        await put_down(db, read, began_at, ended_at)
        row = await only_row(db, sync_gaps)
        assert (row["began_at"], row["ended_at"]) == expected
        assert row["reason"] == "outage"

    async def test_it_never_ends_before_it_begins(self, db: Database, read: Tenant) -> None:
        await put_down(db, read, LATER, NOW)
        await put_down(db, read, LATER, None)
        await close_gap(db, read.id, NOW, MUCH_LATER)
        assert await times(db) == [(LATER, LATER), (LATER, LATER)]

    async def test_nothing_is_put_down_where_nothing_is_stored(
        self, db: Database, tenant: Tenant, general: ChannelState
    ) -> None:
        await put_down(db, tenant, NOW, None)
        await record_gap(db, "discord-404", GapReason.LEFT, began_at=NOW, ended_at=None, now=NOW)
        await stop_tenant(db, tenant.id, NOW)
        assert await count_of(db, sync_gaps) == 0

    async def test_of_many_that_begin_at_once_one_is_put_down(self, db: Database, read: Tenant) -> None:
        for _ in range(3):
            await put_down(db, read, NOW, None)
        await close_gap(db, read.id, LATER, LATER)
        await close_gap(db, read.id, MUCH_LATER, MUCH_LATER)
        assert await times(db) == [(NOW, LATER)]


class TestStopping:
    async def test_a_gap_lasts_from_stopping_to_resuming(self, db: Database, read: Tenant) -> None:
        await stop_tenant(db, read.id, NOW)
        await stop_tenant(db, read.id, LATER)
        assert await times(db) == [(NOW, None)]
        await resume_tenant(db, read.id, LATER)
        assert await times(db) == [(NOW, LATER)]
        await resume_tenant(db, read.id, MUCH_LATER)
        assert await times(db) == [(NOW, LATER)]
        assert (await only_row(db, sync_gaps))["reason"] == "stopped"

    async def test_nothing_ends_it_sooner(self, db: Database, read: Tenant) -> None:
        await stop_tenant(db, read.id, NOW)
        await put_down(db, read, NOW, LATER)
        await close_gap(db, read.id, LATER, LATER)
        assert await times(db) == [(NOW, None)]

    async def test_one_that_was_stopped_before_gaps_were_put_down(self, db: Database, read: Tenant) -> None:
        await stop_tenant(db, read.id, NOW)
        await run_sql(db, "DELETE FROM sync_gaps")
        await put_down(db, read, LATER, MUCH_LATER, reason=GapReason.PROCESS_DOWN)
        assert await times(db) == [(LATER, None)]
        await resume_tenant(db, read.id, MUCH_LATER)
        assert await times(db) == [(NOW, MUCH_LATER)]

    async def test_one_that_the_bot_has_left_meanwhile_waits_for_it(self, db: Database, read: Tenant) -> None:
        await stop_tenant(db, read.id, NOW)
        await save_tenant(db, "discord", GUILD, connected=False, now=NOW)
        await resume_tenant(db, read.id, LATER)
        assert await times(db) == [(NOW, None)]
        await save_tenant(db, "discord", GUILD, connected=True, now=LATER)
        await close_gap(db, read.id, MUCH_LATER, MUCH_LATER)
        assert await times(db) == [(NOW, MUCH_LATER)]

    async def test_a_purged_tenant_has_none(self, db: Database, read: Tenant) -> None:
        await put_down(db, read, NOW, LATER)
        await put_down(db, read, LATER, None)
        await purge_tenant(db, read.id, LATER)
        assert await count_of(db, sync_gaps) == 0
        await put_down(db, read, NOW, LATER)
        await resume_tenant(db, read.id, MUCH_LATER)
        assert await count_of(db, sync_gaps) == 0


class TestSettling:
    @pytest.fixture
    async def planned(self, db: Database, read: Tenant) -> Tenant:
        """The tenant with two planned gaps and one that is not."""
        for _ in range(2):
            await put_down(db, read, NOW, LATER)
            await run_sql(db, "UPDATE sync_gaps SET planned_at = began_at")
        await put_down(db, read, LATER, MUCH_LATER)
        return read

    async def add_repair(self, db: Database, kind: str) -> None:
        (state,) = await channel_states(db, "discord-100")
        await run_sql(
            db,
            "INSERT INTO refetch_ranges (channel_id, kind, until_platform_id, created_at, updated_at)"
            " SELECT :channel, :kind, '7', created_at, created_at FROM channels",
            channel=state.id,
            kind=kind,
        )

    async def test_planned_gaps_are_repaired_once_nothing_is_left_to_read(self, db: Database, planned: Tenant) -> None:
        assert await settle_gaps(db, "discord-404", now=LATER) == 0
        assert await settle_gaps(db, planned.id, now=LATER) == 2
        assert await settle_gaps(db, planned.id, now=MUCH_LATER) == 0
        assert [(row["repaired_at"], row["updated_at"]) for row in await rows_of(db, sync_gaps)] == [
            (LATER, LATER),
            (LATER, LATER),
            (None, MUCH_LATER),
        ]
        assert [gap.began_at for gap in await list_gaps(db, planned.id)] == [LATER]

    @pytest.mark.parametrize(("kind", "repaired"), [("gap", 0), ("refetch", 0), ("audit", 2)])
    async def test_what_is_to_be_read_keeps_them(self, db: Database, planned: Tenant, kind: str, repaired: int) -> None:
        await self.add_repair(db, kind)
        assert await settle_gaps(db, planned.id, now=LATER) == repaired

    async def test_a_channel_that_is_not_read_keeps_nothing_up(self, db: Database, planned: Tenant) -> None:
        await self.add_repair(db, "gap")
        await mark_skipped(db, planned.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        assert await settle_gaps(db, planned.id, now=LATER) == 2

    async def test_the_oldest_is_listed_first(self, db: Database, read: Tenant) -> None:
        for began_at in (MUCH_LATER, NOW, LATER):
            await put_down(db, read, began_at, began_at + SECOND)
        assert [gap.began_at for gap in await list_gaps(db, read.id)] == [NOW, LATER, MUCH_LATER]
