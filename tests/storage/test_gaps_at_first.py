"""Gaps of a tenant of which nothing is stored yet."""

from storage.database import Database
from storage.jobs import JobLease, release
from storage.repair import GapReason, record_gap
from storage.tables import sync_gaps
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW
from tests.support.tables_of import count_of, only_row


async def test_a_gap_is_put_down_while_a_first_sync_reads_what_it_will_store(
    db: Database, tenant: Tenant, lease: JobLease
) -> None:
    await record_gap(db, tenant.id, GapReason.OUTAGE, began_at=NOW, ended_at=None, now=NOW)
    assert await count_of(db, sync_gaps) == 1


async def test_none_is_put_down_where_nothing_is_read(db: Database, tenant: Tenant) -> None:
    await record_gap(db, tenant.id, GapReason.OUTAGE, began_at=NOW, ended_at=None, now=NOW)
    assert await count_of(db, sync_gaps) == 0


async def test_an_open_one_ends_also_where_the_first_sync_has_stored_nothing(
    db: Database, tenant: Tenant, lease: JobLease
) -> None:
    await record_gap(db, tenant.id, GapReason.OUTAGE, began_at=NOW, ended_at=None, now=NOW)
    await release(db, lease, totals={}, now=NOW)
    await record_gap(db, tenant.id, GapReason.SESSION_LOST, began_at=NOW, ended_at=NOW + MINUTE, now=NOW + MINUTE)
    assert (await only_row(db, sync_gaps))["ended_at"] == NOW + MINUTE
