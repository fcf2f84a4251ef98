"""What should be comes to be, whatever the database does at the moment at which the platform says so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from adapters.events import TenantJoined, TenantLeft, TenantOutage, TenantsReady
from adapters.records import TenantRecord
from bot.reconciliation import Reconciler
from storage import jobs
from storage.database import open_database
from storage.jobs import JobKind, JobStatus
from storage.repair import GapReason, gaps
from storage.tenants import get_tenant, stop_tenant
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import claimed
from tests.support.membership import MembershipParts
from tests.support.patience import comes
from tests.support.stored import store_something

pytestmark = pytest.mark.slow

ONE, TWO = (TenantRecord(platform_id=platform_id, name=f"Guild {platform_id}") for platform_id in ("1", "2"))


class Process(MembershipParts):
    """The membership, with the jobs and gaps that it makes."""

    async def jobs(self, tenant_id: str = "discord-1") -> list[tuple[JobKind, JobStatus]]:
        return [(job.kind, job.status) for job in reversed(await jobs.list_jobs(self.db, tenant_id=tenant_id))]

    async def end_job(self, status: JobStatus, tenant_id: str = "discord-1") -> None:
        newest = await jobs.newest_job(self.db, tenant_id)
        assert newest is not None
        if newest.status is JobStatus.QUEUED:
            await claimed(self.db, self.clock())
        newest = await jobs.newest_job(self.db, tenant_id)
        assert newest is not None
        lease = jobs.JobLease(job_id=newest.id, owner="worker", attempt=newest.attempt)
        await jobs.finish(self.db, lease, status=status, totals={}, error=None, now=self.clock())

    async def gaps(self, tenant_id: str = "discord-1") -> list[tuple[GapReason, bool]]:
        return [(gap.reason, gap.ended_at is None) for gap in await gaps.list_gaps(self.db, tenant_id)]


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[Callable[[], Process]]:
    clock = Clock()
    db = await open_database(url, hash_choice="sha256")
    try:
        yield lambda: Process(db, clock)
    finally:
        await db.close()


async def archived(process: Process, *records: TenantRecord) -> None:
    """Connect for the first time, and archive something of each community."""
    await process.receive(TenantsReady(records))
    await process.membership.reconcile()
    for record in records:
        await process.end_job(JobStatus.SUCCEEDED, f"discord-{record.platform_id}")
    for record in records:
        await store_something(process.db, f"discord-{record.platform_id}", process.clock())
        await process.end_job(JobStatus.SUCCEEDED, f"discord-{record.platform_id}")
    await process.live.following.advance({("discord", "0/1"): process.clock()})


async def test_a_database_that_is_away_when_the_bot_connects(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with processes(database_url) as begin:
        process = begin()
        process.scheduler.start()
        reconciler = Reconciler({"tenants": process.membership.reconcile})
        process.membership.on_event(partial(reconciler.wake, "tenants"))
        running = asyncio.create_task(reconciler.run())
        try:
            with killed_before(process.db, "INSERT INTO tenants"):
                await process.receive(TenantsReady((ONE,)), TenantJoined(TWO))
                await comes(lambda: caplog.records, "a word of the failure")
                await process.receive(TenantLeft("2"))
                await asyncio.sleep(0.1)
                assert not process.membership.is_settled("discord")
            await comes(lambda: process.membership.is_settled("discord"), "the tenants in line, tried again")
            assert process.scheduler.next_sync_at("discord-1") is not None
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await process.scheduler.stop()
        assert await process.jobs() == [(JobKind.INITIAL, JobStatus.QUEUED)]
        assert await get_tenant(process.db, "discord-2") is None, "it left before anything was known of it"
        failures = [record for record in caplog.records if record.levelname == "ERROR"]
        assert len(failures) == 1, "it is told once, however often it is tried"


async def test_a_gap_waits_in_memory_and_the_watermark_with_it(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        process.clock.ahead = timedelta(hours=1)
        await process.receive(TenantsReady((ONE,)))
        with killed_before(process.db, "INSERT INTO sync_gaps"):
            with pytest.raises(Killed):
                await process.membership.reconcile()
            with pytest.raises(Killed):
                await process.live.following.advance({("discord", "0/1"): process.clock()})
        successor = begin()  # the process ends before it could write
        await successor.receive(TenantsReady((ONE,)))
        await successor.membership.reconcile()
        (found,) = await gaps.list_gaps(process.db, "discord-1")
        assert (found.reason, found.ended_at is None) == (GapReason.PROCESS_DOWN, False)
        assert found.ended_at is not None
        assert found.ended_at - found.began_at >= timedelta(hours=1), "it begins where all was written last"


async def test_one_lost_session_is_one_gap(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        await process.receive(TenantsReady((ONE,)))
        await asyncio.gather(process.membership.reconcile(), process.live.following.renew())
        await process.live.following.advance({("discord", "0/1"): process.clock()})
        assert await process.gaps() == [(GapReason.SESSION_LOST, False)]


async def test_a_lost_session_concerns_the_guilds_of_its_shard_alone(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE, TWO)
        await process.receive(TenantsReady((TWO,), part="1/2", covers=lambda platform_id: platform_id == "2"))
        await process.membership.reconcile()
        assert await process.gaps("discord-1") == []
        assert await process.gaps("discord-2") == [(GapReason.SESSION_LOST, False)]
        tenant = await get_tenant(process.db, "discord-1")
        assert tenant is not None
        assert tenant.is_connected, "it is the other shard's, of which nothing was said"


@pytest.mark.parametrize("back", [TenantJoined(ONE), TenantsReady((ONE,))], ids=["by its event", "by a new list"])
async def test_who_leaves_and_returns_before_anything_was_done_is_synced_again(
    database_url: str, back: TenantJoined | TenantsReady
) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        ended = await process.jobs()
        await process.receive(TenantLeft("1"), back)
        await process.membership.reconcile()
        assert (await process.jobs())[len(ended) :] == [(JobKind.SCHEDULED, JobStatus.QUEUED)]
        assert await process.gaps() == [(GapReason.LEFT, False)]


async def test_a_sync_that_ran_while_the_bot_was_away_does_not_count(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await process.receive(TenantsReady((ONE,)))
        await process.membership.reconcile()
        await claimed(process.db, process.clock())
        await process.receive(TenantLeft("1"))
        await process.membership.reconcile()
        await process.receive(TenantJoined(ONE))
        await process.membership.reconcile()
        assert await process.jobs() == [(JobKind.INITIAL, JobStatus.RUNNING)]
        await process.end_job(JobStatus.FAILED)  # everything was refused to it
        await process.membership.reconcile()
        assert await process.jobs() == [(JobKind.INITIAL, JobStatus.FAILED), (JobKind.INITIAL, JobStatus.QUEUED)]
        await process.membership.reconcile()
        assert len(await process.jobs()) == 2


async def test_a_return_is_not_lost_with_the_process(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        await process.receive(TenantLeft("1"))
        await process.membership.reconcile()
        ended = len(await process.jobs())
        successor = begin()
        await successor.receive(TenantsReady((ONE,)))
        with killed_before(process.db, "UPDATE tenants SET name"), pytest.raises(Killed):
            await successor.membership.reconcile()
        last = begin()
        await last.receive(TenantsReady((ONE,)))
        await last.membership.reconcile()
        tenant = await get_tenant(process.db, "discord-1")
        assert tenant is not None
        assert tenant.is_connected
        assert (await last.jobs())[ended:] == [(JobKind.SCHEDULED, JobStatus.QUEUED)]


async def test_a_stopped_tenant_returns_without_a_sync(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        await stop_tenant(process.db, "discord-1", process.clock())
        ended = await process.jobs()
        for event in (TenantLeft("1"), TenantJoined(ONE)):
            await process.receive(event)
            await process.membership.reconcile()
            tenant = await get_tenant(process.db, "discord-1")
            assert tenant is not None
            assert tenant.is_connected == isinstance(event, TenantJoined)
        assert await process.jobs() == ended
        assert await process.gaps() == [(GapReason.STOPPED, True)]


async def test_a_guild_that_arrives_late_is_synced_when_it_does(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await process.receive(TenantsReady((ONE,)), TenantOutage("1"))
        await process.membership.reconcile()
        assert await process.jobs() == [], "it could only fail"
        assert process.membership.is_settled("discord")
        await process.receive(TenantJoined(ONE))
        await process.membership.reconcile()
        assert await process.jobs() == [(JobKind.INITIAL, JobStatus.QUEUED)]


async def test_what_failed_during_an_outage_is_tried_again_at_its_end(database_url: str) -> None:
    async with processes(database_url) as begin:
        process = begin()
        await archived(process, ONE)
        await process.receive(TenantOutage("1"))
        await jobs.enqueue(process.db, "discord-1", JobKind.MANUAL, now=process.clock())
        await process.end_job(JobStatus.FAILED)
        await process.membership.reconcile()
        before = len(await process.jobs())
        await process.receive(TenantJoined(ONE))
        await process.membership.reconcile()
        assert (await process.jobs())[before:] == [(JobKind.SCHEDULED, JobStatus.QUEUED)]
        assert await process.gaps() == [(GapReason.OUTAGE, False)]
