"""Stopped tenants are not synced until they are resumed; purged ones leave a bare row that nothing fills again."""

from dataclasses import replace

import pytest

from storage.channels import channel_states, save_channels, save_threads
from storage.database import Database
from storage.errors import LeaseLost, TenantStopped, UnknownTenant
from storage.jobs import (
    JobKind,
    JobLease,
    JobStatus,
    claim,
    due_tenants,
    enqueue,
    finish,
    get_job,
    has_due_jobs,
    list_jobs,
    queue,
    queue_figures,
    release,
    renew,
)
from storage.messages import MessageBatch, save_batch
from storage.reactions import pending_totals
from storage.tables import attachments, channels, messages, reaction_totals, reactions, sync_progress
from storage.tenants import (
    SyncStatus,
    Tenant,
    count_tenants,
    freshness,
    get_tenant,
    list_tenants,
    purge_tenant,
    resume_tenant,
    save_tenant,
    stop_tenant,
    unfinished_purges,
)
from storage.tenants import purge as purging
from tests.support.builders import GUILD, HOUR, MINUTE, NOW, attachment, channel, message, thread, total
from tests.support.job_steps import new_tenant, queued, running_job
from tests.support.tables_of import count_of, rows_of, run_sql
from tests.support.user_lists import save_list

pytestmark = pytest.mark.slow

LATER = NOW + MINUTE
MUCH_LATER = NOW + HOUR
OF_ARCHIVE = (channels, messages, attachments, reaction_totals, reactions, sync_progress)


async def fill(db: Database, tenant_id: str, lease: JobLease, *, messages_each: int = 3) -> None:
    """Two channels and a thread, with messages and all that hangs on them."""
    await save_channels(db, tenant_id, [channel("1"), channel("2")], NOW)
    await save_threads(db, tenant_id, "1", [thread("3", "1")], {"until": "1"}, NOW)
    for state in await channel_states(db, tenant_id):
        records = [
            message(n, attachments=(attachment("1"),), reaction_totals=(total("👍"),))
            for n in range(1, messages_each + 1)
        ]
        await save_batch(db, MessageBatch(tenant_id=tenant_id, channel_id=state.id, messages=records, job=lease), NOW)
        for pending in await pending_totals(db, state.id, None, 100):
            await save_list(db, pending, user_hashes=["a"], job=lease, now=NOW)


class TestStopping:
    async def test_its_waiting_job_is_cancelled(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id)
        stopped = await stop_tenant(db, tenant.id, LATER)
        assert stopped == replace(tenant, stopped_at=LATER, updated_at=LATER)
        assert await stop_tenant(db, tenant.id, MUCH_LATER) == stopped
        ended = await get_job(db, job.id)
        assert ended is not None
        assert (ended.status, ended.finished_at) == (JobStatus.CANCELLED, LATER)

    async def test_its_running_jobs_worker_ends_it(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        stopped = await stop_tenant(db, tenant.id, LATER)
        assert stopped is not None
        assert stopped.sync_status is SyncStatus.SYNCING
        assert (await renew(db, lease, now=LATER, totals={})).cancel_requested
        await release(db, lease, totals={}, now=LATER)
        job = await get_job(db, lease.job_id)
        assert job is not None
        assert job.status is JobStatus.CANCELLED

    async def test_no_sync_is_queued_or_run(self, db: Database, tenant: Tenant) -> None:
        other = await new_tenant(db, 7)
        await stop_tenant(db, tenant.id, NOW)
        for kind in JobKind:
            with pytest.raises(TenantStopped, match=tenant.id):
                await enqueue(db, tenant.id, kind, now=NOW)
        assert await due_tenants(db, platform="discord", before=MUCH_LATER) == [other]
        assert [each.id for each in await freshness(db)] == [other]
        assert await count_tenants(db) == 1
        assert [each.id for each in await list_tenants(db)] == [tenant.id, other]

    async def test_a_job_that_slipped_in_is_not_run_but_ended(self, db: Database, tenant: Tenant) -> None:
        job = await queued(db, tenant.id)
        await run_sql(db, "UPDATE tenants SET stopped_at = created_at")
        assert await queue(db, now=LATER) == []
        assert (await queue_figures(db, LATER)).waiting == 0
        assert not await has_due_jobs(db, LATER)
        assert await claim(db, "worker", now=LATER, lease=MINUTE) is None
        ended = await get_job(db, job.id)
        assert ended is not None
        assert (ended.status, ended.finished_at) == (JobStatus.CANCELLED, LATER)

    async def test_it_is_refreshed_but_stays_stopped(self, db: Database, tenant: Tenant) -> None:
        await stop_tenant(db, tenant.id, NOW)
        renamed = replace(GUILD, name="New name")
        left, _ = await save_tenant(db, "discord", renamed, connected=False, now=LATER)
        assert (left.name, left.sync_status, left.stopped_at) == ("New name", SyncStatus.DISCONNECTED, NOW)

    async def test_resuming_makes_it_as_it_was(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
        synced = await get_tenant(db, tenant.id)
        assert synced is not None
        assert await resume_tenant(db, tenant.id, LATER) == synced  # it was not stopped
        await stop_tenant(db, tenant.id, NOW)
        assert await resume_tenant(db, tenant.id, LATER) == replace(synced, updated_at=LATER)
        await queued(db, tenant.id)

    async def test_who_is_not_there(self, db: Database) -> None:
        assert await stop_tenant(db, "discord-404", NOW) is None
        assert await resume_tenant(db, "discord-404", NOW) is None
        with pytest.raises(UnknownTenant, match="discord-404"):
            await purge_tenant(db, "discord-404", NOW)


class TestPurging:
    async def test_all_of_one_tenant_is_deleted(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        other = await new_tenant(db, 7)
        other_lease = await running_job(db, other)
        await fill(db, other, other_lease)
        kept = [await rows_of(db, table) for table in OF_ARCHIVE]
        await fill(db, tenant.id, lease)
        assert await purge_tenant(db, tenant.id, LATER) == 9
        assert [await rows_of(db, table) for table in OF_ARCHIVE] == kept
        assert [job.tenant_id for job in await list_jobs(db)] == [other]
        left = await get_tenant(db, tenant.id)
        assert left is not None
        assert (left.name, left.metadata, left.stopped_at, left.purged_at) == (None, {}, LATER, LATER)
        assert [each.id for each in await list_tenants(db)] == [other]
        assert [each.id for each in await list_tenants(db, with_purged=True)] == [tenant.id, other]
        assert await unfinished_purges(db) == []
        assert await purge_tenant(db, tenant.id, MUCH_LATER) == 0
        assert await get_tenant(db, tenant.id) == replace(left, updated_at=MUCH_LATER)

    async def test_its_worker_writes_nothing_more(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await fill(db, tenant.id, lease)
        (state, *_) = await channel_states(db, tenant.id)
        await purging._begin(db, tenant.id, LATER)
        job = await get_job(db, lease.job_id)
        assert job is not None
        assert (job.status, job.finished_at) == (JobStatus.CANCELLED, LATER)
        batch = MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=[message(9)], job=lease)
        for write in (
            save_batch(db, batch, LATER),
            renew(db, lease, now=LATER, totals={}),
            finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=LATER),
        ):
            with pytest.raises(LeaseLost):
                await write
        await purge_tenant(db, tenant.id, LATER)
        await save_channels(db, tenant.id, [channel("1")], LATER)
        await save_threads(db, tenant.id, "1", [thread("3", "1")], {"until": "1"}, LATER)
        assert [await count_of(db, table) for table in OF_ARCHIVE] == [0] * len(OF_ARCHIVE)

    async def test_nothing_brings_it_back(self, db: Database, tenant: Tenant) -> None:
        await purge_tenant(db, tenant.id, NOW)
        bare = await get_tenant(db, tenant.id)
        for connected in (True, False):
            assert await save_tenant(db, "discord", GUILD, connected=connected, now=LATER) == (bare, False)
        with pytest.raises(TenantStopped):
            await enqueue(db, tenant.id, JobKind.INITIAL, now=LATER)

    async def test_broken_off_it_goes_on_where_it_was(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await fill(db, tenant.id, lease)
        await purging._begin(db, tenant.id, LATER)
        assert await unfinished_purges(db) == [tenant.id]
        await run_sql(db, "DELETE FROM messages WHERE platform_id <> '1'")
        assert await purge_tenant(db, tenant.id, LATER) == 3
        assert await unfinished_purges(db) == []

    async def test_it_deletes_a_part_at_a_time(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await fill(db, tenant.id, lease, messages_each=700)
        await purging._begin(db, tenant.id, LATER)
        assert await purging._delete_chunk_of(db, tenant.id, messages) == 2000
        assert await count_of(db, messages) == await count_of(db, attachments) == 100
        assert await purge_tenant(db, tenant.id, LATER) == 100

    async def test_resumed_it_begins_anew(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        await fill(db, tenant.id, lease)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
        await purge_tenant(db, tenant.id, NOW)
        resumed = await resume_tenant(db, tenant.id, LATER)
        bare = replace(tenant, name=None, metadata={}, created_at=LATER, updated_at=LATER)
        assert resumed == bare
        assert await save_tenant(db, "discord", GUILD, connected=True, now=LATER) == (
            replace(tenant, created_at=LATER, updated_at=LATER),
            False,
        )
        await queued(db, tenant.id, JobKind.INITIAL)

    async def test_resumed_in_the_middle_it_reads_everything_again(
        self, db: Database, tenant: Tenant, lease: JobLease
    ) -> None:
        await fill(db, tenant.id, lease)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
        await purging._begin(db, tenant.id, NOW)
        resumed = await resume_tenant(db, tenant.id, LATER)
        assert resumed is not None
        assert (resumed.sync_status, resumed.last_successful_sync_at) == (SyncStatus.PENDING, None)
        for table in (messages, channels):
            assert await purging._delete_chunk_of(db, tenant.id, table) == 0
        states = await channel_states(db, tenant.id)
        assert {(s.checkpoint_id, s.thread_cursor, s.messages_archived) for s in states} == {(None, None, 0)}
        assert await count_of(db, messages) == 9

    async def test_a_tenant_without_the_bot_stays_disconnected(self, db: Database) -> None:
        tenant_id = await new_tenant(db, 7, connected=False)
        await purge_tenant(db, tenant_id, NOW)
        resumed = await resume_tenant(db, tenant_id, LATER)
        assert resumed is not None
        assert resumed.sync_status is SyncStatus.DISCONNECTED
