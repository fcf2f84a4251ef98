"""What happens between processes, or once a month: the clock and the connection are played by the test."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.events import TenantJoined, TenantLeft
from adapters.records import TenantRecord
from bot.audit_schedule import AuditSchedule
from bot.live import LiveWriter
from storage import jobs
from storage.database import open_database
from storage.jobs import JobKind
from storage.repair import GapReason, gaps
from storage.tenants import get_tenant, save_tenant
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import expire_leadership
from tests.support.membership import MembershipParts
from tests.support.postgres import Postgres
from tests.support.stored import store_something


async def test_audits_are_asked_for_one_at_a_time_and_only_when_they_are_due(tmp_path: Path) -> None:
    clock = Clock()
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice="sha256")
    parts = MembershipParts(db, clock)
    membership, queue = parts.membership, parts.queue
    schedule = AuditSchedule(
        db, queue, interval=timedelta(days=30), hours=(0, 24), platforms=membership.platforms, clock=clock
    )
    try:
        for platform_id in ("1", "2"):
            await membership.listen("discord", TenantJoined(TenantRecord(platform_id=platform_id, name=None)))
        await membership.reconcile()
        for job in await jobs.list_jobs(db):  # their first syncs are not what is looked at here
            await jobs.cancel(db, job.id, clock())

        async def audits() -> list[str]:
            return [job.tenant_id for job in await jobs.list_jobs(db, kind=JobKind.AUDIT)]

        await schedule.enqueue_due()
        assert await audits() == [], "they were made a moment ago"
        clock.ahead = timedelta(days=31)
        await schedule.enqueue_due()
        assert await audits() == ["discord-1"]
        await schedule.enqueue_due()
        assert await audits() == ["discord-2", "discord-1"], "the first one is under way"
        await schedule.enqueue_due()
        assert len(await audits()) == 2
    finally:
        await db.close()


@pytest.mark.slow
async def test_a_tenant_that_was_left_is_disconnected_before_its_gap_is_recorded(tmp_path: Path) -> None:
    clock = Clock()
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice="sha256")
    parts = MembershipParts(db, clock)
    membership, scheduler = parts.membership, parts.scheduler
    scheduler.start()
    try:
        await membership.listen("discord", TenantJoined(TenantRecord(platform_id="1", name=None)))
        await membership.reconcile()
        assert scheduler.next_sync_at("discord-1") is not None
        for job in await jobs.list_jobs(db):  # its first sync, in place of the one below
            await jobs.cancel(db, job.id, clock())
        await store_something(db, "discord-1", clock())
        await membership.listen("discord", TenantLeft("1"))
        with killed_before(db, "INSERT INTO sync_gaps"), pytest.raises(Killed):
            await membership.reconcile()
        assert scheduler.next_sync_at("discord-1") is None, "it is still synced"
        tenant = await get_tenant(db, "discord-1")
        assert tenant is not None
        assert not tenant.is_connected, "it still counts as connected"
        await membership.reconcile()
        assert [gap.reason for gap in await gaps.list_gaps(db, "discord-1")] == [GapReason.LEFT]
    finally:
        await scheduler.stop()
        await db.close()


async def test_a_process_that_takes_the_lead_records_what_it_may_have_missed(postgres: Postgres) -> None:
    """Also of a tenant that was new when both processes began."""
    clock, platform = Clock(), "discord"
    url = postgres.create_database()
    first_db, second_db = [await open_database(url, hash_choice="sha256") for _ in range(2)]
    first, second = (LiveWriter(db, {}, owner, clock) for db, owner in ((first_db, "a"), (second_db, "b")))
    try:
        for live in (first, second):
            live.following.connected(platform, [])
            await live.following.renew()
        record = TenantRecord(platform_id="1", name=None)
        tenant, _ = await save_tenant(first_db, platform, record, connected=True, now=clock())
        await store_something(first_db, tenant.id, clock())
        for live in (first, second):
            live.following.begins(platform, tenant.id)
        await second.following.renew()
        assert await gaps.list_gaps(second_db, tenant.id) == []
        await expire_leadership(second_db)  # the first one has given no sign of life since
        await second.following.renew()
        assert [gap.reason for gap in await gaps.list_gaps(second_db, tenant.id)] == [GapReason.TAKEOVER]
    finally:
        await first_db.close()
        await second_db.close()
