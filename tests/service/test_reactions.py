"""The users behind reactions: fetched once, after all messages, for no more requests than their pages."""

from collections.abc import Iterable
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, World, tree_world, uniform_world
from adapters.discord.simulator.truth import truth
from storage.database import migrate
from storage.tables import reaction_totals
from tests.support.archive import archived, assert_equal_to_truth, values_of
from tests.support.daemon import ON_POSTGRES, ON_SQLITE, Clock, Daemon, archiving, running_daemon
from tests.support.faults import refuse_reactions
from tests.support.guilds import guild_of
from tests.support.process import INTERVAL
from tests.support.rich_archive import lean_rich_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
MESSAGES = "/channels/{channel_id}/messages"


def lists_of(world: World, guild_ids: Iterable[int]) -> int:
    """Return the fewest requests that all users can be had for."""
    totals = [total for guild_id in guild_ids for total in truth(world, guild_id).reaction_totals()]
    return sum(ceil(total["count"] / 100) for total in totals)


@ON_SQLITE
async def test_all_users_are_fetched_by_the_fewest_requests_and_only_once(database_url: str) -> None:
    world = lean_rich_world()
    async with archiving(world, database_url) as (sim, daemon):
        needed = lists_of(world, world.guilds)
        assert sim.requests.count(USERS) == needed
        for guild_id in world.guilds:
            job = await daemon.sync(guild_id)
            assert job["progress"]["reactions_pending"] == 0
        assert sim.requests.count(USERS) == needed
    for guild_id in world.guilds:
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_a_list_whose_total_changed_before_it_was_requested_is_told_as_left(database_url: str) -> None:
    world = uniform_world(1, 0)
    guild_id = guild_of(world)
    (channel,) = world.guilds[guild_id].channels
    users = list(world.guilds[guild_id].users)
    async with Simulator(world) as sim:
        first, second, third = (int(sim.change.post(channel, "vote!", silent=True)["id"]) for _ in range(3))
        for message in (first, second):
            sim.change.react(channel, message, "🔥", users[0], silent=True)
        sim.faults.add(Fault("hold", route=USERS))
        async with running_daemon(sim, database_url) as daemon:
            await daemon.sees(lambda: sim.requests.count(USERS) == 1)
            sim.change.react(channel, second, "🔥", users[1])  # both totals are listed by now
            sim.change.edit(channel, third, "written after it")
            await daemon.sees(lambda: "written after it" in str(archived(database_url, "messages", guild_id)))
            sim.faults.clear()
            (job,) = await daemon.idle()
            assert (job["status"], job["progress"]["reactions_pending"]) == ("succeeded", 1)
            assert job["progress"]["fraction"] < 1
            assert (await daemon.sync(guild_id))["progress"]["reactions_pending"] == 0
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@pytest.mark.parametrize("emoji", ["🔥", "party:123456789012345678", "<a:dance:223456789012345678>"])
async def test_above_a_hundred_users_of_both_kinds(database_url: str, emoji: str) -> None:
    world = uniform_world(1, 0)
    guild_id = guild_of(world)
    (channel,) = world.guilds[guild_id].channels
    users = list(world.guilds[guild_id].users)
    async with Simulator(world) as sim:
        message = int(sim.change.post(channel, "vote!", silent=True)["id"])
        for number, user in enumerate(users[:330]):
            sim.change.react(channel, message, emoji, user, burst=number >= 200, silent=True)
        async with running_daemon(sim, database_url) as daemon:
            (job,) = await daemon.idle()
            assert job["status"] == "succeeded"
            assert job["metrics"]["reactions"] == 330
        assert sim.requests.count(USERS) == 2 + 2, "200 normal ones fill two pages; none is fetched to see the end"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_messages_come_first(database_url: str) -> None:
    world = uniform_world(3, 200)
    async with archiving(world, database_url) as (sim, _):
        routes = [entry.template for entry in sim.requests.entries() if entry.template in (USERS, MESSAGES)]
        assert set(routes[: routes.index(USERS)]) == {MESSAGES}
        assert set(routes[routes.index(USERS) :]) == {USERS}


async def test_a_pass_that_was_cut_off_goes_on_where_it_was(database_url: str) -> None:
    world = uniform_world(3, 150)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        needed = lists_of(world, world.guilds)
        sim.faults.add(Fault("hang", route=USERS, after=needed // 2, times=None))
        async with running_daemon(sim, database_url) as daemon:
            await daemon.sees(lambda: sim.requests.count(USERS) > needed // 2 + 2)
            await daemon.sees(lambda: bool(archived(database_url, "reactions", guild_id)))
        requested = sim.requests.count(USERS)
        sim.faults.clear()
        async with running_daemon(sim, database_url) as daemon:
            await daemon.until(
                lambda: daemon.get(f"/api/tenants/discord-{guild_id}"), lambda tenant: tenant["sync_status"] == "ok"
            )
        # Three channels at once: what hung was not stored and is requested again.
        assert needed <= sim.requests.count(USERS) <= needed + requested - needed // 2
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_a_backlog_makes_room_when_the_next_sync_is_due(database_url: str) -> None:
    world = uniform_world(2, 100)
    guild_id = guild_of(world)
    clock = Clock()
    # With one place the worker takes up nothing while the job runs: not that very job either, whose lease has run out
    # by the clock when that is moved.
    settings = {"PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": "1"}
    async with Simulator(world) as sim:
        needed = lists_of(world, world.guilds)
        sim.faults.add(Fault("hold", route=USERS, after=10, times=None))
        async with running_daemon(sim, database_url, settings, clock=clock) as daemon:
            await daemon.sees(lambda: sim.requests.count(USERS) == 12)
            busy, *_ = world.guilds[guild_id].channels
            sim.change.post(busy, "news", silent=True)
            clock.ahead = INTERVAL
            sim.faults.clear()
            sim.faults.add(Fault("hold", route=MESSAGES, times=None))
            first, second = await daemon.until(
                lambda: jobs_of(daemon, guild_id), lambda jobs: len(jobs) == 2 and jobs[1]["started_at"]
            )
            assert (first["kind"], first["status"], first["error"]) == ("initial", "succeeded", None)
            assert 0 < first["progress"]["reactions_pending"] < needed
            assert second["kind"] == "scheduled", "the tick that found the job unfinished is made up for at once"
            sim.faults.clear()
            assert (await daemon.job_ended(second["job_id"]))["metrics"]["messages"] == 1
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def jobs_of(daemon: Daemon, guild_id: int) -> Any:
    """Return a tenant's jobs, the oldest first."""
    return (await daemon.get(f"/api/jobs?tenant_id=discord-{guild_id}"))["jobs"][::-1]


async def test_a_message_that_was_deleted_meanwhile_is_marked(database_url: str) -> None:
    world = uniform_world(1, 0)
    guild_id = guild_of(world)
    (channel,) = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        first, second = (int(sim.change.post(channel, "hm", silent=True)["id"]) for _ in range(2))
        for message in (first, second):
            sim.change.react(channel, message, "👍", silent=True)
        sim.faults.add(Fault("hold", route=USERS))
        async with running_daemon(sim, database_url) as daemon:
            await daemon.sees(lambda: sim.requests.count(USERS) == 1)
            sim.change.delete(channel, second, silent=True)
            sim.faults.clear()
            (job,) = await daemon.idle()
            assert job["status"] == "succeeded"
            assert job["progress"]["reactions_pending"] == 0
            again = await daemon.sync(guild_id)
            assert again["metrics"]["requests"] == 1, "nothing asks for the dead message's reactions again"
        assert {key[1] for key in archived(database_url, "reactions", guild_id)} == {str(first)}
        assert len(archived(database_url, "messages", guild_id)) == 2, "a deleted message keeps its row"


@ON_SQLITE
async def test_a_list_that_cannot_be_had_loses_no_other_of_its_message(database_url: str) -> None:
    world = uniform_world(1, 0)
    guild_id = guild_of(world)
    (channel,) = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        message = int(sim.change.post(channel, "hm", silent=True)["id"])
        for emoji in "👍🔥🎉":
            sim.change.react(channel, message, emoji, silent=True)
        sim.faults.add(Fault("rate_limit", route=USERS, after=1, retry_after=0.1))
        async with running_daemon(sim, database_url) as daemon:
            assert [job["status"] for job in await daemon.idle()] == ["rate_limited"]
            assert len(archived(database_url, "reactions", guild_id)) == 1
            assert (await daemon.sync(guild_id))["progress"]["reactions_pending"] == 0
        assert sim.requests.count(USERS) == 1 + 1 + 2, "what is stored is not asked for again"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_where_they_are_not_wanted_none_is_fetched(database_url: str) -> None:
    world = tree_world(2, 4)
    guild_id = guild_of(world)
    async with archiving(world, database_url, PLATFORM_SYNC_SYNC__REACTION_USERS="false") as (sim, _):
        assert sim.requests.count(USERS) == 0
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.slow  # three times that are waited for
@ON_POSTGRES
async def test_a_channel_whose_reactions_cannot_be_had_is_told_and_made_up_for(database_url: str) -> None:
    world = uniform_world(3, 100)
    guild_id = guild_of(world)
    broken, *_ = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", status=500, route=USERS, channel_id=broken, times=None))
        async with running_daemon(sim, database_url) as daemon:
            jobs = await daemon.until(  # the first sync and the three times that it is tried again
                lambda: jobs_of(daemon, guild_id), lambda jobs: len(jobs) == 4 and jobs[-1]["finished_at"]
            )
            job = jobs[-1]
            assert (job["kind"], job["status"]) == ("initial", "partial")
            assert job["progress"] | {"channels_done": 2, "channels_failed": 1} == job["progress"]
            assert job["progress"]["reactions_pending"] > 0
            sim.faults.clear()
            assert (await daemon.sync(guild_id))["status"] == "succeeded"
            coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/channels")
            assert [channel["last_error"] for channel in coverage["channels"]] == [None] * 3
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_many_lists_are_one_transaction(database_url: str) -> None:
    world = uniform_world(8, 200)
    guild_id = guild_of(world)
    async with archiving(world, database_url):
        lists = values_of(database_url, reaction_totals.c.updated_at)
    assert len(lists) == lists_of(world, world.guilds) > max(100, len(set(lists)) * 4), "one time a transaction"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_a_list_that_the_database_refuses_costs_its_channel_and_no_other(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uniform_world(3, 100)
    guild_id = guild_of(world)
    refused, *_ = world.guilds[guild_id].channels
    await migrate(url)
    refuse_reactions(tmp_path / "archive.db", refused)
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:
        job = await daemon.until(lambda: jobs_of(daemon, guild_id), lambda jobs: jobs and jobs[0]["finished_at"])
        assert (job[0]["status"], job[0]["progress"]["channels_failed"]) == ("partial", 1)
        coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/channels")
        failed = [c["platform_id"] for c in coverage["channels"] if c["last_error"]]
        assert failed == [str(refused)]
    channels_stored = {channel_id for channel_id, *_ in archived(url, "reactions", guild_id)}
    assert channels_stored == set(map(str, world.guilds[guild_id].channels)) - {str(refused)}
    assert len(archived(url, "reactions", guild_id)) == sum(
        row["channel_platform_id"] != str(refused) for row in truth(world, guild_id).reactions()
    )
