"""An audit reads on where the platform has more than is stored, and leaves nothing open that nobody will close."""

from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from bot.app import utc_now
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ONLY_MESSAGES, Daemon, archiving, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
ONE_BY_ONE = {**ONLY_MESSAGES, "PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS": "1"}


async def begin_audit(daemon: Daemon, guild_id: int) -> Any:
    status, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": "audit"})
    assert status == 202
    return job["job_id"]


async def test_what_no_listing_tells_of_is_read_with_an_audit(database_url: str) -> None:
    """The channel has no head, and its end was read once."""
    world = uniform_world(2, 200)  # a last page that is full shows nothing of what lies behind
    guild_id = guild_of(world)
    channel, *_ = world.guilds[guild_id].channels.values()
    channel.omits_head = True
    async with Simulator(world) as sim, running_daemon(sim, database_url, ONE_BY_ONE) as daemon:
        await daemon.idle()
        for number in range(120):
            sim.change.post(channel.id, f"unseen {number}", silent=True)
        assert (await daemon.sync(guild_id))["metrics"]["messages"] == 0
        await daemon.sees(lambda: world.ids.now < utc_now())  # so many at once are a millisecond apart
        job = await daemon.job_ended(await begin_audit(daemon, guild_id))
        assert (job["status"], job["progress"]["repairs_pending"]) == ("succeeded", 0)
        assert job["metrics"]["messages"] == 120
        coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
        assert coverage | {"stored": 520, "of": 520, "missing": 0, "deleted": 0} == coverage
        sim.requests.clear()
        await daemon.sync(guild_id)
        assert sim.requests.count(MESSAGES) == 0
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_a_channel_found_deleted_holds_no_audit_up(database_url: str) -> None:
    world = uniform_world(2, 3)
    guild_id = guild_of(world)
    first, second = world.guilds[guild_id].channels
    async with archiving(world, database_url, ONE_BY_ONE) as (sim, daemon):
        sim.requests.clear()
        sim.faults.add(Fault("hold", MESSAGES, first))
        audit = await begin_audit(daemon, guild_id)
        await daemon.sees(lambda: sim.requests.entries("/guilds/{guild_id}/threads/active", status=200))
        await daemon.until(lambda: daemon.get(f"/api/jobs/{audit}"), lambda job: job["progress"]["repairs_pending"])
        sim.change.delete_channel(second, silent=True)
        sim.faults.clear()
        job = await daemon.job_ended(audit)
        assert job["progress"]["repairs_pending"] == 0
        coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
        assert coverage["audited_at"] is not None
