"""What is kept of the listings of a sync that was broken off: when each began, and nothing of a lost lease."""

from dataclasses import replace

import pytest

from storage.channels import (
    channel_states,
    channels_to_be_found,
    forget_listings,
    keep_listings,
    note_listed,
    note_lookup,
    note_unlisted,
    save_channels,
)
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobLease
from storage.tenants import Tenant
from tests.support.builders import HOUR, NOW, channel, thread


async def listed_at(db: Database, tenant: Tenant) -> dict[str, object]:
    return {state.platform_id: state.threads_listed_at for state in await channel_states(db, tenant.id)}


async def test_each_listing_keeps_the_time_at_which_it_began(db: Database, tenant: Tenant, lease: JobLease) -> None:
    await save_channels(db, tenant.id, [channel("5"), channel("6"), channel("7")], NOW)
    await keep_listings(db, tenant.id, {"5": NOW - HOUR}, job=lease, now=NOW)
    await keep_listings(db, tenant.id, {"6": NOW}, job=lease, now=NOW)
    assert await listed_at(db, tenant) == {"5": NOW - HOUR, "6": NOW, "7": None}
    await keep_listings(db, tenant.id, {}, job=lease, now=NOW)
    await forget_listings(db, tenant.id)
    assert set((await listed_at(db, tenant)).values()) == {None}


async def test_a_job_that_is_another_s_keeps_nothing(db: Database, tenant: Tenant, lease: JobLease) -> None:
    await save_channels(db, tenant.id, [channel("5")], NOW)
    with pytest.raises(LeaseLost):
        await keep_listings(db, tenant.id, {"5": NOW}, job=replace(lease, owner="another"), now=NOW)
    assert await listed_at(db, tenant) == {"5": None}


async def test_a_thread_that_a_listing_leaves_out_waits_for_its_lookup_until_it_is_listed_or_looked_up(
    db: Database, tenant: Tenant
) -> None:
    threads = [thread(platform_id, "5", archived_at=NOW - HOUR) for platform_id in ("6", "7")]
    await save_channels(db, tenant.id, [channel("5"), *threads], NOW)

    async def waiting() -> dict[str, bool]:
        found = await channels_to_be_found(db, tenant.id, listed=["5"], missed=[])
        return {state.platform_id: state.awaits_lookup for state in found}

    assert await waiting() == {}
    for now in (NOW, NOW + HOUR):
        await note_unlisted(db, tenant.id, ["6", "7"], now)
    found = await channels_to_be_found(db, tenant.id, listed=["5"], missed=[])
    assert {state.unlisted_since for state in found} == {NOW}
    assert await waiting() == {"6": True, "7": True}
    await note_lookup(db, tenant.id, found[0].id, has_changed=False, now=NOW)
    assert await waiting() == {"6": False, "7": True}
    await note_listed(db, tenant.id, ["6", "7"], NOW)
    assert await waiting() == {}
