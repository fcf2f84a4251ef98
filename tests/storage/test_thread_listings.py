"""What is kept of the listings of a sync that was broken off: when each began, and nothing of a lost lease."""

from dataclasses import replace

import pytest

from storage.channels import channel_states, forget_listings, keep_listings, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobLease
from storage.tenants import Tenant
from tests.support.builders import HOUR, NOW, channel


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
