"""Requests are the scarce good: what a sync of a large guild costs, and the next one where nothing is new."""

import pytest

from adapters.discord.simulator import Simulator, tree_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ON_SQLITE, ONLY_MESSAGES, VERIFYING, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
ARCHIVED = "/channels/{channel_id}/threads/archived/public"


@pytest.mark.parametrize(
    ("database_url", "channels", "threads"),
    [("sqlite", 25, 110), ("postgresql", 12, 60)],
    indirect=["database_url"],
    ids=["sqlite-large", "postgresql-medium"],
)
async def test_a_guild_that_is_followed_costs_one_request(database_url: str, channels: int, threads: int) -> None:
    world = tree_world(channels, threads)
    guild_id = guild_of(world)
    async with Simulator(world) as sim, running_daemon(sim, database_url, settings=ONLY_MESSAGES) as daemon:
        (first,) = await daemon.idle()
        assert first["status"] == "succeeded"
        assert first["progress"]["channels_done"] == channels + threads
        assert sim.requests.count(MESSAGES) == channels + threads, "one page each, and none to see that it is the last"
        sim.requests.clear()

        second = await daemon.sync(guild_id)
        assert second["status"] == "succeeded"
        assert sim.requests.count() == second["metrics"]["requests"] == 1

        busy = next(iter(world.guilds[guild_id].channels))
        sim.change.post(busy, "news")
        third = await daemon.sync(guild_id)
        assert (third["metrics"]["messages"], third["metrics"]["requests"]) == (0, 1)
        assert third["progress"]["channels_followed"] == channels + threads
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_whole_listing_costs_three_requests_and_one_a_channel_and_a_sample_one(database_url: str) -> None:
    world = tree_world(6, 20)
    guild_id = guild_of(world)
    async with Simulator(world) as sim, running_daemon(sim, database_url, VERIFYING) as daemon:
        await daemon.idle()
        sim.requests.clear()
        verified = await daemon.sync(guild_id)
        assert sim.requests.count(ARCHIVED) == 6
        assert sim.requests.count(MESSAGES) == 1
        assert sim.requests.count() == verified["metrics"]["requests"] == 6 + 3 + 1
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_a_dead_head_is_asked_for_once(database_url: str) -> None:
    world = tree_world(2, 0)
    guild_id = guild_of(world)
    channel = next(iter(world.guilds[guild_id].channels))
    async with Simulator(world) as sim:
        gone = sim.change.post(channel, "soon gone", silent=True)
        sim.change.delete(channel, int(gone["id"]), silent=True)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle()
            assert sim.requests.count(MESSAGES, channel_id=channel) == 2
            await daemon.sync(guild_id)
            assert sim.requests.count(MESSAGES, channel_id=channel) == 2
            sim.change.post(channel, "and on it goes")
            await daemon.sync(guild_id)
            assert sim.requests.count(MESSAGES, channel_id=channel) == 2
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)
