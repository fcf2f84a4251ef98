"""A server that ignores the cursor shows its newest page: nothing counts as deleted because it is not on it."""

import pytest

from adapters.discord.simulator import Fault, uniform_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ONLY_MESSAGES, archiving
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


async def test_an_audit_believes_no_page_whose_cursor_was_ignored(database_url: str) -> None:
    world = uniform_world(1, 250)
    guild_id = guild_of(world)
    async with archiving(world, database_url, ONLY_MESSAGES) as (sim, daemon):
        sim.faults.add(Fault("unmoved", "/channels/{channel_id}/messages", times=None))
        _, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": "audit"})
        audit = await daemon.job_ended(job["job_id"])
        assert (audit["status"], audit["progress"]["deleted"]) == ("partial", 0)
        sim.faults.clear()
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
