"""A channel is read to its end, whatever the platform calls its newest message, and then nothing more is asked."""

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.model import Channel, World
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.daemon import ON_SQLITE, ONLY_MESSAGES, VERIFYING, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
SETTINGS = {**ONLY_MESSAGES, **VERIFYING, "PLATFORM_SYNC_SYNC__BATCH_SIZE": "100"}


def world_of(channels: int, messages: int) -> tuple[World, list[Channel]]:
    world = uniform_world(channels, messages)
    return world, list(world.guilds[guild_of(world)].channels.values())


def ids_of(channel: Channel) -> list[int]:
    return [int(message["id"]) for message in channel.messages]


async def test_the_head_is_a_hint(database_url: str) -> None:
    """One head is left out, one is late, one has moved back, one is gone, one is the last of a full page."""
    world, channels = world_of(5, 200)
    guild_id = guild_of(world)
    without, late, back, gone, full = channels
    without.omits_head = True
    late.last_message_id = ids_of(late)[99]
    back.last_message_id = ids_of(back)[3]
    async with Simulator(world) as sim:
        sim.change.delete(gone.id, ids_of(gone)[-1], silent=True)
        async with running_daemon(sim, database_url, SETTINGS) as daemon:
            (first,) = await daemon.idle()
            assert first["status"] == "succeeded"
            assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
            assert sim.requests.count(MESSAGES, channel_id=full.id) == 4, (
                "no full page is the end; it is requested again"
            )
            sim.requests.clear()
            await daemon.sync(guild_id)
            asked = {entry.channel_id for entry in sim.requests.entries(MESSAGES)}
            assert sim.requests.count(MESSAGES) == 3 + 1, "with a sample"
            assert {late.id, back.id} <= asked, "older heads say nothing of news"
            assert without.id in asked, "and none says less"
            back.last_message_id = late.last_message_id = None
            new = [int(sim.change.post(channel.id, "news", silent=True)["id"]) for channel in (late, back)]
            back.last_message_id, late.last_message_id = ids_of(back)[3], ids_of(late)[99]
            third = await daemon.sync(guild_id)
            assert (third["metrics"]["messages"], len(new)) == (2, 2)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_head_that_moves_back_at_an_edit_loses_nothing(database_url: str) -> None:
    world, (channel, *_) = world_of(1, 250)
    guild_id = guild_of(world)
    world.edits_move_heads = True
    async with Simulator(world) as sim, running_daemon(sim, database_url, SETTINGS) as daemon:
        await daemon.idle()
        for _ in range(2):  # the second time the head is the one of the last sync
            sim.change.post(channel.id, "new", silent=True)
            sim.change.edit(channel.id, ids_of(channel)[0], "edited", silent=True)
            job = await daemon.sync(guild_id)
            assert job["metrics"]["messages"] == 1
        sim.change.post(channel.id, "newest", silent=True)
        await daemon.sync(guild_id)
        sim.requests.clear()
        await daemon.sync(guild_id)
        assert sim.requests.count(MESSAGES) == 1, "a sample, since the head is the newest message again"
    assert count_messages(database_url) == 253


@ON_SQLITE
@pytest.mark.parametrize("fault", [Fault("status", MESSAGES, times=4, after=1), Fault("rate_limit", MESSAGES, after=1)])
async def test_without_a_head_a_channel_is_asked_for_until_its_end_was_read(database_url: str, fault: Fault) -> None:
    world, (channel, *_) = world_of(1, 251)
    guild_id = guild_of(world)
    channel.omits_head = True
    async with Simulator(world) as sim:
        sim.faults.add(fault)
        async with running_daemon(sim, database_url, SETTINGS) as daemon:
            await daemon.sees(lambda: sim.requests.count(MESSAGES) > 1)
            sync = f"/api/tenants/discord-{guild_id}/sync"
            await daemon.until(lambda: daemon.get(sync), lambda answer: answer["job"]["finished_at"])
            await daemon.ask("POST", sync)  # unless it tries again by itself
            await daemon.until(
                lambda: daemon.get(sync),
                lambda answer: answer["job"]["status"] == "succeeded",
            )
            assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
            sim.requests.clear()
            assert (await daemon.sync(guild_id))["status"] == "succeeded"
            assert sim.requests.count(MESSAGES) == 2, "a sample, and a look, since no listing tells of news"


@ON_SQLITE
async def test_messages_of_one_millisecond_may_come_in_any_order(database_url: str) -> None:
    """Page edges fall between messages that the server sends in another order than that of their ids."""
    world, (channel, *_) = world_of(1, 0)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.rest.shuffles_ties = True
        for number in range(60):
            sim.change.post(channel.id, f"message {number}", silent=True)
            for part in range(6):  # seven at once: the edge of a page of a hundred falls between them
                at_once = dict(channel.messages.page(limit=1)[0]) | {"id": str(world.ids.take()), "content": str(part)}
                channel.messages.put(at_once)
        channel.last_message_id = None  # its newest message is gone, so that no head ends the walk
        channel.last_message_id = world.ids.take()
        async with running_daemon(sim, database_url, SETTINGS) as daemon:
            (first,) = await daemon.idle()
            assert first["status"] == "succeeded"
            await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": "audit"})
            (audit,) = await daemon.idle()
            assert (audit["progress"]["deleted"], audit["progress"]["repairs_pending"]) == (0, 0)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_page_that_leads_nowhere_ends_its_channel_and_no_other(database_url: str) -> None:
    """The cursor is ignored from the second page on: the newest page comes, which did not follow."""
    world, (stuck, other) = world_of(2, 350)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("unmoved", MESSAGES, stuck.id, times=None, after=1))
        async with running_daemon(sim, database_url, SETTINGS) as daemon:
            await daemon.sees(lambda: sim.requests.count(MESSAGES, channel_id=stuck.id) >= 5)
            await daemon.until(lambda: daemon.get("/api/jobs"), lambda answer: answer["jobs"][-1]["finished_at"])
            first = (await daemon.get("/api/jobs"))["jobs"][-1]
            assert first["status"] == "partial"
            assert first["metrics"]["messages"] == 100 + 350
            assert sim.requests.count(MESSAGES, channel_id=other.id) == 4
            sim.faults.clear()
            await daemon.until(
                lambda: daemon.get(f"/api/tenants/discord-{guild_id}/sync"),
                lambda answer: answer["job"]["status"] == "succeeded",
            )
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@ON_SQLITE
async def test_a_channel_without_a_head_is_read_before_it_is_followed(database_url: str) -> None:
    """What was written while nobody listened is not passed over by the first message that comes live."""
    world, (filled, emptied, dead, unwritten, empty) = world_of(5, 0)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        thread = sim.change.create_thread(empty.id, "topic")
        for place in (filled, emptied, dead, dead, thread):
            sim.change.post(place.id, "old", silent=True)
        sim.change.delete(dead.id, ids_of(dead)[-1], silent=True)
        filled.omits_head = unwritten.omits_head = thread.omits_head = True
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.idle()
        for place in (filled, emptied, dead, unwritten, thread):
            sim.change.post(place.id, "missed", silent=True)
        emptied.last_message_id, dead.omits_head = None, True
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
            assert (await daemon.sync(guild_id))["metrics"]["messages"] == 5
            for place in (filled, emptied, dead, unwritten, thread):
                sim.change.post(place.id, "live")
            await daemon.sees(lambda: count_messages(database_url) == 15)
            sim.requests.clear()
            assert (await daemon.sync(guild_id))["status"] == "succeeded"
            assert sim.requests.count(MESSAGES) == 0, "it is read once in a stream of events"
    counted = {"channels": ["message_count", "total_message_sent"]}  # as of the last whole listing
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, besides=counted, without=["reactions"])


@ON_SQLITE
async def test_a_channel_that_is_there_and_in_no_listing_is_read_before_it_is_followed(database_url: str) -> None:
    world, three = world_of(3, 1)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.idle()
        for place in three:
            sim.change.post(place.id, "missed", silent=True)
        sim.faults.add(Fault("lacking", "/guilds/{guild_id}/channels"))
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
            assert (await daemon.sync(guild_id))["metrics"]["messages"] == 3
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
