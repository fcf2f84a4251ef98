"""Tenants: stored once, refreshed where something changed, connected and disconnected, held back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.records import SkipReason, TenantRecord
from storage.channels import save_channels
from storage.database import Database
from storage.jobs import JobKind, JobLease, JobStatus, claim, enqueue, finish
from storage.messages import MessageBatch, save_batch
from storage.tenants import (
    SyncStatus,
    Tenant,
    TenantFreshness,
    TenantTotals,
    defer_until,
    freshness,
    get_tenant,
    lift_impossible_waits,
    list_tenants,
    save_tenant,
    tenant_id_of,
    tenant_totals,
)
from tests.support.builders import GUILD, HOUR, MINUTE, NOW, channel, message, skipped

LATER = NOW + MINUTE


async def test_a_new_tenant_waits_for_its_first_sync(db: Database) -> None:
    tenant, created = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    assert created
    assert tenant == Tenant(
        id="discord-100",
        platform="discord",
        platform_id="100",
        name="Guild",
        part=None,
        sync_status=SyncStatus.PENDING,
        last_sync_at=None,
        last_successful_sync_at=None,
        not_before=None,
        stopped_at=None,
        purged_at=None,
        metadata={"description": "about"},
        created_at=NOW,
        updated_at=NOW,
    )
    assert tenant.is_connected
    assert await get_tenant(db, "discord-100") == tenant
    assert await get_tenant(db, "discord-999") is None


async def test_saving_again_what_is_stored_writes_nothing(db: Database, tenant: Tenant) -> None:
    assert await save_tenant(db, "discord", GUILD, connected=True, now=LATER) == (tenant, False)


async def test_what_changed_is_refreshed(db: Database, tenant: Tenant) -> None:
    renamed = replace(GUILD, name="New name", metadata={"description": None})
    stored, created = await save_tenant(db, "discord", renamed, connected=True, now=LATER)
    assert not created
    assert stored == replace(tenant, name="New name", metadata={"description": None}, updated_at=LATER)


async def test_what_is_not_given_keeps_what_is_stored(db: Database, tenant: Tenant) -> None:
    unknown = TenantRecord(platform_id=GUILD.platform_id, name=None)
    assert await save_tenant(db, "discord", unknown, connected=True, now=LATER) == (tenant, False)


async def test_the_same_id_on_two_platforms_is_two_tenants(db: Database, tenant: Tenant) -> None:
    other, created = await save_tenant(db, "slack", GUILD, connected=True, now=NOW)
    assert created
    assert {tenant.id, other.id} == {tenant_id_of("discord", "100"), "slack-100"}


async def test_a_tenant_without_the_bot_is_disconnected_until_it_comes(db: Database) -> None:
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=False, now=NOW)
    assert tenant.sync_status is SyncStatus.DISCONNECTED
    assert not tenant.is_connected
    back, created = await save_tenant(db, "discord", GUILD, connected=True, now=LATER)
    assert (back.sync_status, back.updated_at, created) == (SyncStatus.PENDING, LATER, False)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (JobStatus.SUCCEEDED, SyncStatus.OK),
        (JobStatus.PARTIAL, SyncStatus.PARTIAL),
        (JobStatus.FAILED, SyncStatus.FAILED),
        (JobStatus.RATE_LIMITED, SyncStatus.RATE_LIMITED),
    ],
)
@pytest.mark.slow
async def test_a_tenant_that_comes_back_has_the_status_it_had(
    db: Database, lease: JobLease, end: JobStatus, status: SyncStatus
) -> None:
    await finish(db, lease, status=end, totals={}, error=None, now=NOW)
    left, _ = await save_tenant(db, "discord", GUILD, connected=False, now=LATER)
    assert left.sync_status is SyncStatus.DISCONNECTED
    back, _ = await save_tenant(db, "discord", GUILD, connected=True, now=LATER)
    assert back.sync_status is status


async def test_a_tenant_that_left_stays_disconnected_whatever_its_jobs_do(db: Database, tenant: Tenant) -> None:
    await save_tenant(db, "discord", GUILD, connected=False, now=NOW)
    await enqueue(db, tenant.id, JobKind.MANUAL, now=NOW)
    claimed = await claim(db, "worker", now=NOW, lease=MINUTE)
    assert claimed is not None
    assert await _status(db, tenant.id) is SyncStatus.DISCONNECTED
    back, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    assert back.sync_status is SyncStatus.SYNCING
    await save_tenant(db, "discord", GUILD, connected=False, now=NOW)
    await finish(db, claimed[1], status=JobStatus.FAILED, totals={}, error=None, now=LATER)
    left = await get_tenant(db, tenant.id)
    assert left is not None
    assert (left.sync_status, left.last_sync_at) == (SyncStatus.DISCONNECTED, LATER)
    back, _ = await save_tenant(db, "discord", GUILD, connected=True, now=LATER)
    assert back.sync_status is SyncStatus.FAILED


async def test_tenants_are_listed_by_id_in_pages(db: Database) -> None:
    for number in ("3", "20", "100"):
        await save_tenant(db, "discord", TenantRecord(platform_id=number, name=None), connected=True, now=NOW)
    await save_tenant(db, "slack", TenantRecord(platform_id="T1", name=None), connected=True, now=NOW)
    ids = ["discord-100", "discord-20", "discord-3", "slack-T1"]
    assert [t.id for t in await list_tenants(db)] == ids
    assert [t.id for t in await list_tenants(db, limit=2)] == ids[:2]
    assert [t.id for t in await list_tenants(db, after=ids[1], limit=2)] == ids[2:]
    assert [t.id for t in await list_tenants(db, platform="slack")] == ids[3:]
    assert await list_tenants(db, after=ids[3]) == []


async def test_a_later_wait_replaces_an_earlier_one(db: Database, tenant: Tenant) -> None:
    for until in (NOW + HOUR, NOW + MINUTE, NOW + 2 * HOUR):
        await defer_until(db, tenant.id, "discord", until, NOW)
        assert (await _get(db, tenant.id)).not_before == until


async def test_no_wait_is_longer_than_a_day(db: Database, tenant: Tenant) -> None:
    for tenant_id in (tenant.id, None):
        await defer_until(db, tenant_id, "discord", datetime(9999, 12, 31, tzinfo=UTC), NOW)
        assert (await _get(db, tenant.id)).not_before == NOW + 24 * HOUR


async def test_a_wait_of_one_does_not_end_that_of_all(db: Database, tenant: Tenant) -> None:
    await defer_until(db, None, "discord", NOW + HOUR, NOW)
    await defer_until(db, tenant.id, "discord", NOW + MINUTE, NOW)
    assert (await _get(db, tenant.id)).not_before == NOW + HOUR


async def test_a_wait_that_a_clock_has_left_behind_is_lifted(db: Database, tenant: Tenant) -> None:
    ahead = NOW + 48 * HOUR  # by a clock that was set right since
    await defer_until(db, None, "discord", ahead + HOUR, ahead)
    await enqueue(db, tenant.id, JobKind.SCHEDULED, now=ahead)
    assert await claim(db, "worker", now=NOW, lease=MINUTE) is None
    assert await lift_impossible_waits(db, NOW) == 2
    assert await claim(db, "worker", now=NOW, lease=MINUTE) is not None
    record = TenantRecord(platform_id="200", name=None)
    assert (await save_tenant(db, "discord", record, connected=True, now=NOW))[0].not_before is None
    assert await lift_impossible_waits(db, NOW) == 0


async def test_a_wait_of_a_platform_is_one_of_all_its_tenants(db: Database, tenant: Tenant) -> None:
    second = TenantRecord(platform_id="200", name=None)
    other, _ = await save_tenant(db, "discord", second, connected=True, now=NOW)
    elsewhere, _ = await save_tenant(db, "slack", second, connected=True, now=NOW)
    await defer_until(db, other.id, "discord", NOW + HOUR, NOW)
    assert (await _get(db, tenant.id)).not_before is None
    await defer_until(db, None, "discord", NOW + MINUTE, NOW)
    assert (await _get(db, tenant.id)).not_before == NOW + MINUTE
    assert (await _get(db, other.id)).not_before == NOW + HOUR
    assert (await _get(db, elsewhere.id)).not_before is None


async def test_a_wait_of_a_platform_is_one_of_tenants_that_come_later_too(db: Database, tenant: Tenant) -> None:
    for until in (NOW + 2 * HOUR, NOW + HOUR):
        await defer_until(db, None, "discord", until, NOW)
        assert (await _get(db, tenant.id)).not_before == until
    record = TenantRecord(platform_id="200", name=None)
    later, created = await save_tenant(db, "discord", record, connected=True, now=LATER)
    assert (later.not_before, created) == (NOW + HOUR, True)
    elsewhere, _ = await save_tenant(db, "slack", record, connected=True, now=NOW)
    assert elsewhere.not_before is None
    await defer_until(db, None, "discord", NOW + 2 * HOUR, NOW)
    last, _ = await save_tenant(db, "discord", replace(record, platform_id="300"), connected=True, now=NOW)
    assert last.not_before == NOW + 2 * HOUR


async def test_how_recent_the_archives_are(db: Database, tenant: Tenant, lease: JobLease) -> None:
    other, _ = await save_tenant(db, "slack", GUILD, connected=False, now=NOW)
    await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=LATER)
    never = TenantFreshness(
        id=other.id,
        platform="slack",
        sync_status=SyncStatus.DISCONNECTED,
        last_sync_at=None,
        last_successful_sync_at=None,
    )
    synced = TenantFreshness(
        id=tenant.id,
        platform="discord",
        sync_status=SyncStatus.OK,
        last_sync_at=LATER,
        last_successful_sync_at=LATER,
    )
    assert await freshness(db) == [synced, never]


async def test_totals_come_from_channels_and_their_progress(db: Database, tenant: Tenant, lease: JobLease) -> None:
    assert await tenant_totals(db, tenant.id) == TenantTotals(
        channels=0, channels_archived=0, channels_skipped=0, messages=0
    )
    records = [channel("1"), channel("2"), skipped(channel("3"), SkipReason.NOT_PUBLIC)]
    await save_channels(db, tenant.id, records, NOW)
    batch = MessageBatch(tenant_id=tenant.id, channel_id=1, messages=[message(1), message(2)], job=lease)
    await save_batch(db, batch, NOW)
    assert await tenant_totals(db, tenant.id) == TenantTotals(
        channels=3, channels_archived=2, channels_skipped=1, messages=2
    )


async def _get(db: Database, tenant_id: str) -> Tenant:
    tenant = await get_tenant(db, tenant_id)
    assert tenant is not None
    return tenant


async def _status(db: Database, tenant_id: str) -> SyncStatus:
    return (await _get(db, tenant_id)).sync_status
