"""Who hides a channel and who shows it again: an event hides at once, only a listing that began after it shows."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from adapters.records import ChannelRecord, SkipReason
from storage.channels import (
    bound_hidings,
    channel_states,
    mark_skipped,
    save_changed_channels,
    save_channels,
    save_threads,
)
from storage.database import Database
from storage.errors import ChannelSkipped, LeaseLost
from storage.messages import MessageBatch, save_batch
from storage.reactions import pending_totals
from storage.tables import channels, messages, reactions, sync_progress
from storage.tenants import Tenant, stop_tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND, channel, message, skipped, thread, total
from tests.support.plans import recorded
from tests.support.repair_steps import Way
from tests.support.tables_of import rows_of
from tests.support.user_lists import save_list

TEXT, THREAD = channel("5"), thread("6", "5")
PRIVATE = skipped(TEXT, SkipReason.NOT_PUBLIC)


async def reasons(db: Database, tenant: Tenant) -> dict[str, str | None]:
    return {state.platform_id: state.skip_reason for state in await channel_states(db, tenant.id)}


async def told(db: Database, tenant: Tenant, *records: ChannelRecord, at: datetime = NOW) -> None:
    await save_changed_channels(db, tenant.id, records, NOW + HOUR, received_at={r.platform_id: at for r in records})


@pytest.mark.parametrize(("began_at", "shows"), [(NOW - SECOND, False), (NOW, False), (NOW + SECOND, True)])
async def test_a_listing_shows_what_was_hidden_before_it_began(
    db: Database, tenant: Tenant, began_at: datetime, shows: bool
) -> None:
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW - MINUTE)
    await told(db, tenant, PRIVATE)
    assert await reasons(db, tenant) == {"5": "not_public", "6": "not_public"}
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW + MINUTE, began_at=began_at)
    await save_threads(db, tenant.id, "5", [THREAD], {}, NOW + MINUTE, began_at=began_at)
    expected = None if shows else "not_public"
    assert await reasons(db, tenant) == {"5": expected, "6": expected}


async def test_what_a_clock_that_was_ahead_hid_is_shown_by_the_next_listing(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW - MINUTE)
    await told(db, tenant, PRIVATE, at=NOW + 24 * HOUR)
    await bound_hidings(db, NOW)
    await save_channels(db, tenant.id, [TEXT], NOW + SECOND, began_at=NOW)
    assert (await reasons(db, tenant))["5"] == "not_public", "it may have been hidden since"
    await save_channels(db, tenant.id, [TEXT], NOW + MINUTE, began_at=NOW + SECOND)
    assert (await reasons(db, tenant))["5"] is None


async def test_an_event_shows_nothing_again(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [PRIVATE, THREAD], NOW - MINUTE)
    await told(db, tenant, TEXT, THREAD, channel("7"))
    assert await reasons(db, tenant) == {"5": "not_public", "6": "not_public", "7": None}
    await told(db, tenant, skipped(TEXT, SkipReason.OBFUSCATED))
    assert (await reasons(db, tenant))["5"] == "obfuscated"


async def test_what_is_told_to_be_hidden_again_stays_so_whatever_an_older_listing_says(
    db: Database, tenant: Tenant
) -> None:
    await save_channels(db, tenant.id, [TEXT], NOW - HOUR)
    await told(db, tenant, PRIVATE, at=NOW - MINUTE)
    await told(db, tenant, PRIVATE, at=NOW + MINUTE)
    await save_channels(db, tenant.id, [TEXT], NOW + HOUR, began_at=NOW)
    assert await reasons(db, tenant) == {"5": "not_public"}


async def test_a_listing_that_hides_is_believed_whatever_was_told_before(db: Database, tenant: Tenant) -> None:
    await told(db, tenant, TEXT, at=NOW)
    await save_channels(db, tenant.id, [PRIVATE], NOW + MINUTE, began_at=NOW - MINUTE)
    assert await reasons(db, tenant) == {"5": "not_public"}


async def test_what_is_gone_stays_gone_until_it_is_listed_anew(db: Database, tenant: Tenant) -> None:
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW - MINUTE)
    await mark_skipped(db, tenant.id, ["6"], SkipReason.DELETED, NOW)
    for began_at, reason in ((NOW - SECOND, "deleted"), (NOW + SECOND, None)):
        await save_threads(db, tenant.id, "5", [THREAD], {}, NOW + MINUTE, began_at=began_at)
        assert (await reasons(db, tenant))["6"] == reason


async def test_a_thread_whose_channel_nobody_knows_is_not_read(db: Database, tenant: Tenant) -> None:
    await told(db, tenant, THREAD)
    assert await reasons(db, tenant) == {"6": "bot_lacks_access"}
    await save_channels(db, tenant.id, [THREAD, TEXT], NOW)
    assert await reasons(db, tenant) == {"5": None, "6": None}


@pytest.mark.parametrize("by_event", [True, False])
async def test_the_threads_of_what_is_hidden_follow_and_no_others_are_looked_at(
    db: Database, tenant: Tenant, by_event: bool
) -> None:
    """There may be 100,000 of those."""
    await save_channels(db, tenant.id, [TEXT, THREAD, channel("7"), thread("8", "7")], NOW - MINUTE)
    async with db.writing() as connection:
        hidden = {"sync_state": "skipped", "skip_reason": "not_public", "skipped_since": NOW}
        await connection.execute(update(channels).where(channels.c.platform_id == "7").values(**hidden))
    with recorded(db) as sent:
        if by_event:
            await told(db, tenant, PRIVATE)
        else:
            await mark_skipped(db, tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
    assert await reasons(db, tenant) == {"5": "not_public", "6": "not_public", "7": "not_public", "8": None}
    if db.dialect == "sqlite":
        following, reopening = sent[-2:]
        async with db.writing() as connection:
            for sentence, keys in (
                (following, ("(parent_id=?",)),
                (reopening, ("(parent_id=?", "(rowid=?", "(tenant_id=? AND id=?")),
            ):
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sentence.statement}", sentence.parameters)
                steps = [row[-1] for row in plan if row[-1].startswith(("SEARCH channels ", "SCAN channels"))]
                assert [step for step in steps if not any(key in step for key in keys)] == [] != steps


async def test_nothing_is_stored_of_a_channel_that_was_hidden_while_it_was_read(db: Database, way: Way) -> None:
    await way.store(message(1, reaction_totals=(total("👍", 2),)), message(2))
    audit = await way.audit()
    (pending,) = await pending_totals(db, way.channel.id, None, 10)
    before = [await rows_of(db, table) for table in (messages, sync_progress)]
    await told(db, way.tenant, PRIVATE)
    secret = message(3, content="a secret")
    batch: Any = MessageBatch(tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[secret], job=way.lease)
    with pytest.raises(ChannelSkipped):
        await save_batch(db, batch, NOW)
    with pytest.raises(ChannelSkipped):
        await way.save(audit, message(1, content="edited in private"), secret)
    with pytest.raises(ChannelSkipped):
        await save_list(db, pending, user_hashes=["a", "b"], job=way.lease, now=NOW)
    assert [await rows_of(db, table) for table in (messages, sync_progress)] == before
    assert await rows_of(db, reactions) == []
    assert [row["skip_reason"] for row in await rows_of(db, channels)] == ["not_public"]


async def test_a_job_that_is_being_stopped_stores_nothing_private_either(db: Database, way: Way) -> None:
    await stop_tenant(db, way.tenant.id, NOW)  # its job goes on up to its next heartbeat
    await told(db, way.tenant, PRIVATE, channel("7"))
    batch = MessageBatch(tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[message(1)], job=way.lease)
    with pytest.raises(ChannelSkipped):
        await save_batch(db, batch, NOW)
    assert await reasons(db, way.tenant) == {"5": "not_public"}, "nothing else is stored of a stopped tenant"


async def test_a_listing_of_a_job_that_was_taken_over_shows_nothing(db: Database, way: Way) -> None:
    """Its process was stopped while the listing was on its way; the job that took over has listed the channel since."""
    await save_channels(db, way.tenant.id, [PRIVATE], NOW + MINUTE, began_at=NOW + MINUTE, job=way.lease)
    lost = replace(way.lease, attempt=way.lease.attempt - 1)
    with pytest.raises(LeaseLost):
        await save_channels(db, way.tenant.id, [TEXT], NOW + HOUR, began_at=NOW, job=lost)
    with pytest.raises(LeaseLost):
        await save_threads(db, way.tenant.id, "5", [THREAD], {}, NOW + HOUR, began_at=NOW, job=lost)
    assert await reasons(db, way.tenant) == {"5": "not_public"}


@pytest.mark.parametrize("is_described", [False, True])
async def test_what_an_event_described_meanwhile_a_listing_can_only_hide(
    db: Database, tenant: Tenant, is_described: bool
) -> None:
    now = [replace(TEXT, name="new"), replace(THREAD, name="new")]
    before = [replace(PRIVATE, name="old"), replace(THREAD, name="old", archived_at=NOW)]
    await save_channels(db, tenant.id, [replace(record, name="first") for record in (TEXT, THREAD)], NOW - HOUR)
    await told(db, tenant, *now)
    described = {"5", "6"} if is_described else set[str]()
    await save_channels(db, tenant.id, before[:1], NOW + MINUTE, began_at=NOW, described=lambda: described)
    await save_threads(db, tenant.id, "5", before[1:], {}, NOW + MINUTE, began_at=NOW, described=lambda: described)
    rows = [(row["name"], row["archived_at"], row["skip_reason"]) for row in await rows_of(db, channels)]
    assert rows == (
        [("new", None, "not_public"), ("new", None, "not_public")]
        if is_described
        else [("old", None, "not_public"), ("old", NOW, "not_public")]
    )


async def test_a_thread_that_an_event_described_before_its_parent_was_stored_is_archived_with_it(
    db: Database, tenant: Tenant
) -> None:
    await told(db, tenant, THREAD)
    await save_channels(db, tenant.id, [TEXT, THREAD], NOW + MINUTE, began_at=NOW - SECOND, described=lambda: {"6"})
    assert await reasons(db, tenant) == {"5": None, "6": None}
    await told(db, tenant, PRIVATE)
    assert await reasons(db, tenant) == {"5": "not_public", "6": "not_public"}
