"""Threads that listings do not show, that were deleted unseen, and listings that are broken off."""

from datetime import timedelta

import pytest

from adapters.discord.simulator import Fault, Simulator, tree_world
from adapters.discord.simulator.model import Channel, World
from adapters.discord.simulator.truth import truth
from tests.support.archive import archived, assert_equal_to_truth, count_messages
from tests.support.daemon import ON_SQLITE, ONLY_MESSAGES, VERIFYING, Clock, running_daemon
from tests.support.guilds import guild_of

WHOLE = {**ONLY_MESSAGES, **VERIFYING}
"""Everything is listed at every sync."""
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

ARCHIVED = "/channels/{channel_id}/threads/archived/public"
ACTIVE = "/guilds/{guild_id}/threads/active"
CHANNEL = "/channels/{channel_id}"
MESSAGES = "/channels/{channel_id}/messages"
PARENTS = 6
ONE_BY_ONE = {**WHOLE, "PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS": "1"}


def threads_of(world: World, *, archived: bool) -> list[Channel]:
    return [t for t in world.guilds[guild_of(world)].threads.values() if t.archived is archived]


async def test_archived_threads_deleted_while_the_daemon_was_down_are_found_by_the_next_sync(database_url: str) -> None:
    world = tree_world(3, 12)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        for thread in threads_of(world, archived=False):
            sim.change.archive_thread(thread.id, silent=True)
        async with running_daemon(sim, database_url, WHOLE) as daemon:
            await daemon.idle()
        gone, *_ = threads_of(world, archived=True)
        sim.change.delete_thread(gone.id, silent=True)
        sim.requests.clear()
        async with running_daemon(sim, database_url, WHOLE) as daemon:
            await daemon.sync(guild_id)
            assert archived(database_url, "channels", guild_id)[str(gone.id),]["skip_reason"] == "deleted"
            assert sim.requests.count(CHANNEL) == 1, "what is listed need not be looked up"
            await daemon.sync(guild_id)
            assert sim.requests.count(CHANNEL) == 1


@ON_SQLITE
async def test_the_news_of_a_thread_in_no_listing_are_read_and_it_is_asked_for_ever_less_often(
    database_url: str,
) -> None:
    world = tree_world(2, 6)
    guild_id, clock = guild_of(world), Clock()
    async with Simulator(world) as sim:
        active, resting = threads_of(world, archived=False)[0], threads_of(world, archived=False)[1]
        sim.change.archive_thread(resting.id, silent=True)
        async with running_daemon(sim, database_url, WHOLE, clock=clock) as daemon:
            await daemon.idle()
            active.unlisted = resting.unlisted = True
            for _ in range(3):
                sim.change.post(active.id, "news", silent=True)
                assert (await daemon.sync(guild_id))["metrics"]["messages"] == 1
            assert sim.requests.count(CHANNEL, channel_id=resting.id) <= 3, "for an archived one after gaps alone"
            sim.requests.clear()
            for _ in range(24):
                clock.ahead += timedelta(hours=1)
                await daemon.sync(guild_id)
            assert 5 <= sim.requests.count(CHANNEL) <= 10
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_thread_reopened_between_the_listings_of_a_first_sync_is_read_by_it(database_url: str) -> None:
    world = tree_world(2, 6)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        reopened = threads_of(world, archived=False)[0]
        sim.change.archive_thread(reopened.id, silent=True)
        sim.faults.add(Fault("late", ACTIVE, seconds=0.7))
        async with running_daemon(sim, database_url, WHOLE) as daemon:
            await daemon.sees(lambda: sim.requests.count(ACTIVE) > 0)
            sim.change.unarchive_thread(reopened.id)  # it is in neither listing, and its channel is not known yet
            (first,) = await daemon.idle()
    assert first["status"] == "succeeded"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_listing_that_rate_limits_break_off_comes_to_its_end(database_url: str) -> None:
    world = tree_world(PARENTS, 12)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("rate_limit", ARCHIVED, retry_after=0.0, every=3, times=None))
        async with running_daemon(sim, database_url, WHOLE, PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS="1") as daemon:
            (first,) = await daemon.idle()
            assert first["status"] == "rate_limited"
            ends = [(await daemon.sync(guild_id))["status"] for _ in range(2)]
            assert ends == ["rate_limited", "succeeded"]
            listed = [entry.channel_id for entry in sim.requests.entries(ARCHIVED, status=200)]
            assert len(listed) == len(set(listed)) == PARENTS
            sim.faults.clear()
            sim.requests.clear()
            await daemon.sync(guild_id)
            assert sim.requests.count(ARCHIVED) == PARENTS, "each sync lists all again"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
@pytest.mark.parametrize("kind", ["unmoved", "hollow"])
async def test_a_listing_that_leads_nowhere_ends_its_channel_and_no_other(database_url: str, kind: str) -> None:
    world = tree_world(2, 6)
    guild_id = guild_of(world)
    stuck, other = (c.id for c in world.guilds[guild_id].channels.values() if world.guilds[guild_id].children(c.id))
    async with Simulator(world) as sim:
        if kind == "unmoved":
            for _ in range(120):
                thread = sim.change.create_thread(stuck, "old", "text", silent=True)
                sim.change.archive_thread(thread.id, silent=True)
        sim.faults.add(Fault(kind, ARCHIVED, stuck, times=8 if kind == "hollow" else None))  # type: ignore[arg-type]
        async with running_daemon(sim, database_url, WHOLE) as daemon:
            await daemon.sees(lambda: sim.requests.count(MESSAGES, channel_id=other) > 0)
            assert sim.requests.count(ARCHIVED, channel_id=stuck) <= 8
            sim.faults.clear()
            await daemon.until(
                lambda: daemon.get(f"/api/tenants/discord-{guild_id}/sync"),
                lambda answer: answer["job"]["status"] == "succeeded",
            )
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_a_listing_of_a_sync_that_was_broken_off_is_kept_for_a_day_however_often_that_happens(
    database_url: str,
) -> None:
    world = tree_world(PARENTS, 6)
    guild_id, clock = guild_of(world), Clock()
    async with Simulator(world) as sim:
        sim.faults.add(Fault("rate_limit", ARCHIVED, retry_after=0.0, every=3, times=None))
        async with running_daemon(sim, database_url, ONE_BY_ONE, clock=clock) as daemon:
            await daemon.idle()
            first = {entry.channel_id for entry in sim.requests.entries(ARCHIVED, status=200)}
            for _ in range(2):
                clock.ahead += timedelta(hours=14)
                sim.requests.clear()
                assert (await daemon.sync(guild_id))["status"] == "rate_limited"
            assert {entry.channel_id for entry in sim.requests.entries(ARCHIVED, status=200)} == first


@ON_SQLITE
async def test_messages_are_stored_before_the_last_page_of_a_listing_is_requested(database_url: str) -> None:
    world = tree_world(2, 0)
    guild_id = guild_of(world)
    parent = next(iter(world.guilds[guild_id].channels.values()))
    async with Simulator(world) as sim:
        for _ in range(110):
            thread = sim.change.create_thread(parent.id, "old", "text", silent=True)
            sim.change.post(thread.id, "in it", silent=True)
            sim.change.archive_thread(thread.id, silent=True)
        sim.faults.add(Fault("late", ARCHIVED, parent.id, seconds=0.4, times=None))
        async with running_daemon(sim, database_url, WHOLE) as daemon:
            await daemon.sees(lambda: count_messages(database_url) if sim.requests.count() else 0)
            assert sim.requests.count(ARCHIVED, channel_id=parent.id) < 2
            (first,) = await daemon.idle()
            assert (first["status"], first["progress"]["fraction"]) == ("succeeded", 1.0)
            assert first["progress"]["channels_total"] == first["progress"]["channels_done"] == 112
            assert sim.requests.count(ARCHIVED, channel_id=parent.id) == 2
            assert sim.requests.count(MESSAGES, channel_id=parent.id) == 2, "it names each of its threads"
            assert sim.requests.count(MESSAGES) == 111 + 2, "one page each"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
