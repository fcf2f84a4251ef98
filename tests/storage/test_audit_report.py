"""What the audits say of a tenant, what is still to be read, and which audits are due."""

from datetime import timedelta

import pytest

from adapters.records import SkipReason
from storage.channels import mark_skipped
from storage.database import Database
from storage.repair import (
    Coverage,
    audits_due,
    coverage,
    finish_audit,
    request_audit,
)
from storage.tables import channel_audits as findings
from storage.tables import refetch_ranges
from storage.tenants import purge_tenant, stop_tenant
from tests.support.builders import MINUTE, NOW, message
from tests.support.job_steps import new_tenant
from tests.support.repair_steps import LATER, NOTHING, Way, finish_audits, two_channels
from tests.support.tables_of import rows_of, run_sql


@pytest.mark.slow
async def test_the_archive_is_so_many_of_so_many(db: Database, way: Way) -> None:
    assert await coverage(db, "discord-other") is None
    assert await coverage(db, way.tenant.id) == NOTHING
    await two_channels(way)
    await request_audit(db, way.tenant.id, LATER)
    begun = await coverage(db, way.tenant.id)
    assert begun is not None
    assert (begun.requested_at, begun.ranges_left, begun.channels, begun.channels_audited) == (LATER, 2, 2, 0)
    first, second = await way.pending()
    await way.save(first, message(1), message(2, content="new"))
    await finish_audit(db, first.id, platform_count=5, job=way.lease, now=LATER)
    half = await coverage(db, way.tenant.id)
    assert half is not None
    assert (half.stored, half.of, half.ranges_left, half.channels_audited, half.audited_at) == (2, 5, 1, 1, None)
    await way.save(second, message(0), message(1))
    await finish_audit(db, second.id, platform_count=None, job=way.lease, now=LATER)
    assert await coverage(db, way.tenant.id) == Coverage(
        requested_at=LATER,
        audited_at=LATER,
        stored=4,
        of=7,
        missing=1,
        changed=1,
        deleted=1,
        channels_audited=2,
        channels=2,
        channels_hidden=0,
        ranges_left=0,
    )
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.NOT_PUBLIC, NOW)
    hidden = await coverage(db, way.tenant.id)
    assert hidden is not None
    assert (hidden.stored, hidden.channels_audited, hidden.channels) == (4, 2, 2)


async def test_which_audits_are_due(db: Database, way: Way) -> None:
    week = timedelta(days=7)
    assert await audits_due(db, "discord", before=NOW) == []
    assert await audits_due(db, "discord", before=NOW + MINUTE) == [way.tenant.id]
    assert await audits_due(db, "slack", before=NOW + MINUTE) == []
    older, stopped = [await new_tenant(db, number) for number in (200, 300)]
    await new_tenant(db, 400, connected=False)
    await stop_tenant(db, stopped, NOW)
    await run_sql(db, "UPDATE tenants SET audited_at = created_at WHERE id <> :own", own=way.tenant.id)
    await way.store(message(1))
    repair = await way.audit()
    assert await audits_due(db, "discord", before=NOW + week) == [older]
    await request_audit(db, older, NOW)
    assert await audits_due(db, "discord", before=NOW + week) == []
    await way.save(repair, message(1))
    await finish_audits(way)
    assert await audits_due(db, "discord", before=LATER) == []
    assert await audits_due(db, "discord", before=LATER + MINUTE) == [way.tenant.id]


async def test_purging_forgets_what_was_found(db: Database, way: Way) -> None:
    await way.store(message(1))
    await way.audit()
    await finish_audits(way)
    await way.audit()
    await purge_tenant(db, way.tenant.id, LATER)
    assert [await rows_of(db, table) for table in (findings, refetch_ranges)] == [[], []]
    purged = await coverage(db, way.tenant.id)
    assert purged == NOTHING
