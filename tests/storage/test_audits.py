"""Audits: what each channel's found, and when a tenant's is complete."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from adapters.records import SkipReason
from storage.channels import channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.repair import (
    ChannelAudit,
    RefetchKind,
    audits_due,
    channel_audits,
    coverage,
    finish_audit,
    request_audit,
)
from storage.tables import channel_audits as findings
from storage.tables import channels, refetch_ranges, tenants
from tests.support.builders import HOUR, MINUTE, NOW, channel, message, thread
from tests.support.patience import PATIENCE_SECONDS
from tests.support.repair_steps import LATER, NOTHING, Way, finish_audits, two_channels
from tests.support.tables_of import count_of, only_row


async def test_what_a_channels_audit_found(db: Database, way: Way) -> None:
    await two_channels(way, message_count=7)
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
        stored=2,  # up to the checkpoint
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
    assert await channel_audits(db, way.tenant.id, only_differing=True) == [audit]  # the other one is as it was stored
    assert await channel_audits(db, "discord-other") == []


async def test_a_thread_that_tells_no_count(db: Database, way: Way) -> None:
    await two_channels(way)
    await finish_audits(way)
    assert {a.platform_count for a in await channel_audits(db, way.tenant.id)} == {None}


async def test_metadata_are_no_count(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, [channel("5", metadata={"message_count": 7})], NOW)
    await way.store(message(1))
    await way.audit()
    await finish_audits(way)
    assert (await only_row(db, findings))["platform_count"] is None


async def test_an_audit_replaces_the_one_before(db: Database, way: Way) -> None:
    await way.store(message(1), message(2))
    first = await way.audit()
    await way.save(first, message(1, content="new"))
    await finish_audits(way, platform_count=1)
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
    await finish_audits(way)
    assert [await count_of(db, t) for t in (findings, refetch_ranges)] == [0, 1]


async def test_a_channel_that_is_hidden_meanwhile_does_not_hold_up_the_audit(db: Database, way: Way) -> None:
    await two_channels(way)
    assert await audits_due(db, "discord", before=LATER + HOUR) == []
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.DELETED, NOW)
    await finish_audits(way)
    assert (await only_row(db, tenants))["audited_at"] == LATER
    assert (await coverage(db, way.tenant.id)) == replace(
        NOTHING, audited_at=LATER, stored=3, channels_audited=1, channels=1
    )


async def test_an_audit_requested_during_another_reads_again_what_that_one_has_read(db: Database, way: Way) -> None:
    await two_channels(way)
    first, second = await way.pending()
    await way.save(first, message(1), reached="1")
    await finish_audit(db, second.id, platform_count=None, job=way.lease, now=LATER)
    await request_audit(db, way.tenant.id, LATER)  # such as for changes that were lost just now
    assert await way.plan() == 0
    assert await way.ranges() == [("5", "1", "3")]
    await finish_audits(way)
    assert await way.plan() == 2
    assert await way.ranges() == [("5", None, "3"), ("6", None, "1")]


async def test_an_audit_begins_anew_what_an_earlier_one_left_of_a_hidden_channel(db: Database, way: Way) -> None:
    await two_channels(way)
    await way.save((await way.pending())[0], message(1), reached="1")
    await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)  # its thread, too
    await request_audit(db, way.tenant.id, LATER)
    assert await way.plan() == 0
    await save_channels(db, way.tenant.id, [channel("5"), thread("6", "5")], LATER + MINUTE)
    await way.plan()
    await request_audit(db, way.tenant.id, LATER)
    await way.plan()
    assert {r.after_platform_id for r in await way.pending() if r.kind is RefetchKind.AUDIT} == {None}


@pytest.mark.slow
async def test_an_audit_whose_last_channel_is_hidden_is_done(db: Database, way: Way) -> None:
    await two_channels(way)
    await finish_audit(db, (await way.pending())[0].id, platform_count=None, job=way.lease, now=LATER)
    await mark_skipped(db, way.tenant.id, ["6"], SkipReason.DELETED, NOW)
    assert (await only_row(db, tenants))["audited_at"] is None
    for now in (LATER + HOUR, LATER + 2 * HOUR):
        assert await way.plan(now=now) == 0
        assert (await only_row(db, tenants))["audited_at"] == LATER + HOUR
    assert await count_of(db, refetch_ranges) == 1


_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def all_wait(db: Database, ends: Sequence[asyncio.Task[None]]) -> None:
    """Return once each waits for a lock, or has ended. SQLite has one writer: there they wait already."""
    if db.dialect == "postgresql":
        async with asyncio.timeout(PATIENCE_SECONDS), db.reading() as connection:
            ended = 0
            while (await connection.execute(_WAITING)).scalar_one() + ended < len(ends):
                ended = len((await asyncio.wait(ends, timeout=0.01))[0])


@pytest.mark.slow
async def test_channels_that_end_at_once_complete_the_audit(way: Way) -> None:
    """Each deletes its own range; the one that looks whether it was the last one must see that the others are gone."""
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
            await all_wait(way.db, ends)
        await asyncio.gather(*ends)
        found = await coverage(way.db, way.tenant.id)
        assert found is not None
        assert (found.audited_at, found.ranges_left) == (now, 0)
