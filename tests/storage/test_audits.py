"""Audits: what each channel's found, what that says of a tenant, and which are due."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.records import SkipReason
from storage.channels import ChannelState, channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.repair import (
    ChannelAudit,
    Coverage,
    RefetchFigures,
    audits_due,
    channel_audits,
    coverage,
    finish_audit,
    refetch_figures,
    request_audit,
)
from storage.tables import channel_audits as findings
from storage.tables import channels, refetch_ranges, tenants
from storage.tenants import Tenant, purge_tenant, stop_tenant
from tests.support.builders import HOUR, MINUTE, NOW, channel, message, thread
from tests.support.job_steps import new_tenant
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, only_row, rows_of, run_sql

NOTHING = Coverage(
    requested_at=None,
    audited_at=None,
    stored=0,
    of=0,
    missing=0,
    changed=0,
    deleted=0,
    channels_audited=0,
    channels=0,
    ranges_left=0,
)


@pytest.fixture
def way(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Way:
    return Way(db, tenant, general, lease)


async def two_channels(way: Way, metadata: Mapping[str, object]) -> None:
    """A channel of three messages and a thread of one, both to be audited."""
    await save_channels(way.db, way.tenant.id, [thread("6", "5", metadata=metadata), channel("7")], NOW)
    thread_id = (await channel_states(way.db, way.tenant.id))[1].id
    await way.store(message(1), message(2), message(3))
    await way.store(message(1), channel_id=thread_id)
    await request_audit(way.db, way.tenant.id, NOW)
    assert await way.plan() == 2


async def finish(way: Way, platform_count: int | None = None) -> None:
    for repair in await way.pending():
        await finish_audit(way.db, repair.id, platform_count=platform_count, job=way.lease, now=LATER)


async def test_what_a_channels_audit_found(db: Database, way: Way) -> None:
    await two_channels(way, {"message_count": 7})
    first, second = await way.pending()
    left = (await way.save(first, message(1, content="new"), reached="1")).left
    assert left is not None
    assert (await way.save(left, message(3), message(4), reached="3")).left is None
    waiting = (await way.pending())[0]
    assert waiting.is_read
    assert (waiting.id, waiting.after_platform_id) == (first.id, "3")
    await finish_audit(db, first.id, platform_count=4, job=way.lease, now=LATER)
    audit = ChannelAudit(
        channel_id=way.channel.id,
        platform_id="5",
        name="channel 5",
        audited_at=LATER,
        stored=3,
        seen=3,
        missing=1,
        changed=1,
        deleted=1,
        platform_count=4,
    )
    assert await channel_audits(db, way.tenant.id) == [audit]
    assert (await only_row(db, tenants))["audited_at"] is None
    await way.save(second, message(1))
    await finish_audit(db, second.id, platform_count=None, job=way.lease, now=LATER + MINUTE)
    both = await channel_audits(db, way.tenant.id)
    assert [(a.platform_id, a.seen, a.platform_count) for a in both] == [("5", 3, 4), ("6", 1, 7)]
    assert (await only_row(db, tenants))["audited_at"] == LATER + MINUTE
    assert await count_of(db, refetch_ranges) == 0
    assert await channel_audits(db, way.tenant.id, limit=1) == [audit]
    assert await channel_audits(db, way.tenant.id, after=way.channel.id) == both[1:]
    assert await channel_audits(db, "discord-other") == []


@pytest.mark.parametrize("count", [None, "7", True, 1.5])
async def test_a_thread_that_tells_no_count(db: Database, way: Way, count: object) -> None:
    await two_channels(way, {"message_count": count})
    await finish(way)
    assert {a.platform_count for a in await channel_audits(db, way.tenant.id)} == {None}


async def test_a_channels_own_metadata_is_no_count(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [channel("5", metadata={"message_count": 7})], NOW)
    await way.store(message(1))
    await way.audit()
    await finish(way)
    assert (await only_row(db, findings))["platform_count"] is None


async def test_an_audit_replaces_the_one_before(db: Database, way: Way) -> None:
    await way.store(message(1), message(2))
    first = await way.audit()
    await way.save(first, message(1, content="new"))
    await finish(way, platform_count=1)
    created = (await only_row(db, findings))["created_at"]
    second = await way.audit()
    await way.save(second, message(1, content="new"))
    await finish_audit(db, second.id, platform_count=None, job=way.lease, now=LATER + HOUR)
    row = await only_row(db, findings)
    assert [row[name] for name in ("stored", "seen", "missing", "changed", "deleted")] == [1, 1, 0, 0, 0]
    assert (row["platform_count"], row["audited_at"], row["created_at"]) == (None, LATER + HOUR, created)


async def test_only_an_audit_is_finished(db: Database, way: Way) -> None:
    await way.store(message(1))
    await way.refetch("1")
    await finish(way)
    assert [await count_of(db, t) for t in (findings, refetch_ranges)] == [0, 1]


async def test_a_channel_that_is_hidden_meanwhile_does_not_hold_up_the_audit(db: Database, way: Way) -> None:
    await two_channels(way, {})
    assert await audits_due(db, "discord", before=LATER + HOUR) == []
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.DELETED, NOW)
    await finish(way)
    assert (await only_row(db, tenants))["audited_at"] == LATER
    assert (await coverage(db, way.tenant.id)) == Coverage(
        requested_at=None,
        audited_at=LATER,
        stored=3,
        of=0,
        missing=0,
        changed=0,
        deleted=0,
        channels_audited=1,
        channels=1,
        ranges_left=0,
    )


async def test_an_audit_whose_last_channel_is_hidden_is_done(db: Database, way: Way) -> None:
    await two_channels(way, {})
    await finish_audit(db, (await way.pending())[0].id, platform_count=None, job=way.lease, now=LATER)
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.DELETED, NOW)
    assert (await only_row(db, tenants))["audited_at"] is None
    for now in (LATER + HOUR, LATER + 2 * HOUR):
        assert await way.plan(now=now) == 0
        assert (await only_row(db, tenants))["audited_at"] == LATER + HOUR
    assert await count_of(db, refetch_ranges) == 1


async def test_the_archive_is_so_many_of_so_many(db: Database, way: Way) -> None:
    assert await coverage(db, "discord-other") is None
    assert await coverage(db, way.tenant.id) == NOTHING
    await two_channels(way, {})
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
        ranges_left=0,
    )
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.NOT_PUBLIC, NOW)
    hidden = await coverage(db, way.tenant.id)
    assert hidden is not None
    assert (hidden.stored, hidden.channels_audited, hidden.channels) == (4, 2, 2)


async def test_figures(db: Database, way: Way) -> None:
    await two_channels(way, {})
    await way.refetch("1", "2")
    await way.gap(NOW - HOUR, NOW)
    assert await way.plan() == 2
    await way.gap(NOW, None)
    figures = RefetchFigures(refetch=2, gap=2, audit=2, unrepaired_gaps=2)
    assert await refetch_figures(db, way.tenant.id) == figures
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.NOT_PUBLIC, NOW)
    await run_sql(db, "UPDATE sync_gaps SET repaired_at = planned_at")
    hidden = RefetchFigures(refetch=2, gap=1, audit=1, unrepaired_gaps=1)
    assert await refetch_figures(db, way.tenant.id) == hidden
    assert await refetch_figures(db, "discord-other") == RefetchFigures(refetch=0, gap=0, audit=0, unrepaired_gaps=0)


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
    await finish(way)
    assert await audits_due(db, "discord", before=LATER) == []
    assert await audits_due(db, "discord", before=LATER + MINUTE) == [way.tenant.id]


async def test_purging_forgets_what_was_found(db: Database, way: Way) -> None:
    await way.store(message(1))
    await way.audit()
    await finish(way)
    await way.audit()
    await purge_tenant(db, way.tenant.id, LATER)
    assert [await rows_of(db, table) for table in (findings, refetch_ranges)] == [[], []]
    purged = await coverage(db, way.tenant.id)
    assert purged == NOTHING


async def test_channels_that_end_at_once_complete_the_audit(way: Way) -> None:
    """Each deletes its own range; whoever looks whether it was the last one must see that the others are gone."""
    await save_channels(way.db, way.tenant.id, [channel(str(number)) for number in range(10, 20)], NOW)
    for state in await channel_states(way.db, way.tenant.id):
        await way.store(message(1), channel_id=state.id)
    for turn in range(4):
        now = LATER + turn * HOUR
        await request_audit(way.db, way.tenant.id, now)
        await way.plan(now=now)
        ranges = await way.pending()
        for repair in ranges:
            await way.save(repair, message(1))
        async with way.db.writing() as others:  # what is found refers to its channel: there they all wait
            await others.execute(select(channels.c.id).with_for_update())
            ends = [
                asyncio.create_task(finish_audit(way.db, repair.id, platform_count=1, job=way.lease, now=now))
                for repair in ranges
            ]
            await asyncio.sleep(0.2)
        await asyncio.gather(*ends)
        found = await coverage(way.db, way.tenant.id)
        assert found is not None
        assert (found.audited_at, found.ranges_left) == (now, 0)
