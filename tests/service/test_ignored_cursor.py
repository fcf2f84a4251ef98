"""A server that ignores the cursor, or leaves something out: nothing counts as read or deleted for not being shown."""

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ON_SQLITE, ONLY_MESSAGES, Daemon, archiving, codes_of, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]
MESSAGES = "/channels/{channel_id}/messages"


async def audited(daemon: Daemon, guild_id: int) -> tuple[str, int]:
    """How an audit ended, and how many messages it marked as deleted."""
    _, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": "audit"})
    audit = await daemon.job_ended(job["job_id"])
    return audit["status"], audit["progress"]["deleted"]


@ON_SQLITE
@pytest.mark.parametrize("times", [None, 1, 2])
async def test_an_audit_believes_no_page_whose_cursor_was_ignored(database_url: str, times: int | None) -> None:
    world = uniform_world(1, 250)
    guild_id = guild_of(world)
    async with archiving(world, database_url, ONLY_MESSAGES) as (sim, daemon):
        sim.faults.add(Fault("unmoved", MESSAGES, times=times))
        assert await audited(daemon, guild_id) == ("partial", 0)
        sim.faults.clear()
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
@pytest.mark.parametrize("messages", [250, 300])
@pytest.mark.parametrize("passed", [0, 1])
async def test_a_sync_believes_no_page_whose_cursor_was_ignored_once(
    database_url: str, messages: int, passed: int
) -> None:
    world = uniform_world(1, messages)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("unmoved", MESSAGES, after=passed))
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.idle(1)
            *_, first = (await daemon.get("/api/jobs"))["jobs"]
            assert codes_of(first) == ("partial", ["call_failed"])
            await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
            await daemon.idle(1)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_an_audit_does_not_believe_one_page_that_leaves_a_message_out(database_url: str) -> None:
    world = uniform_world(1, 40)
    guild_id = guild_of(world)
    async with archiving(world, database_url, ONLY_MESSAGES) as (sim, daemon):
        sim.faults.add(Fault("lacking", MESSAGES))
        assert await audited(daemon, guild_id) == ("partial", 0)
        assert (await daemon.sync(guild_id))["status"] == "succeeded"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_an_audit_believes_no_page_whose_cursor_was_ignored_now_and_then(database_url: str) -> None:
    """The page is wrong, the one that shows that cursors are heeded is right, and the second look is wrong again."""
    world = uniform_world(1, 250)
    guild_id = guild_of(world)
    async with archiving(world, database_url, ONLY_MESSAGES) as (sim, daemon):
        sim.faults.add(Fault("unmoved", MESSAGES, times=2, every=2))
        assert await audited(daemon, guild_id) == ("partial", 0)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
