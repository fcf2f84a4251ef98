"""A 429 ends one job and no more than it must; a 500 for ever ends one channel."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import ON_POSTGRES, Clock, end_of, running_daemon
from tests.support.guilds import guild_of
from tests.support.process import process
from tests.support.rich_archive import lean_rich_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
SELDOM = [pytest.param(scope, marks=pytest.mark.slow) for scope in ("shared", "cloudflare")]
USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
ONE_BY_ONE = {"PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS": "1"}


@pytest.mark.parametrize("route", [MESSAGES, USERS], ids=["messages", "reactions"])
@pytest.mark.parametrize("scope", ["user", "global", *SELDOM])
async def test_a_429_ends_its_job_at_once_and_others_only_where_it_is_global(
    tmp_path: Path, scope: str, route: str
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uniform_world(2, 120, guilds=3)
    limited, *others = world.guilds
    channels = list(world.guilds[limited].channels)
    clock = Clock()
    async with Simulator(world) as sim:
        sim.faults.add(
            Fault("rate_limit", route=route, channel_id=channels[1], scope=scope, retry_after=90, after=1)  # type: ignore[arg-type]
        )
        async with running_daemon(sim, database_url, clock=clock, settings=ONE_BY_ONE) as daemon:
            jobs = {job["tenant_id"]: job for job in await daemon.idle(3)}
            ended = jobs[f"discord-{limited}"]
            assert end_of(ended) == ("rate_limited", "rate_limited")
            assert ended["error"]["retry_after_seconds"] == 90
            assert (ended["error"]["scope"], bool(ended["error"]["remedy"])) == (scope, True)

            (refused,) = [entry for entry in sim.requests.entries() if entry.status == 429]
            after = [entry for entry in sim.requests.entries() if entry.at_monotonic > refused.at_monotonic]
            assert not [entry for entry in after if entry.channel_id in channels], "not one further request of the job"
            if scope in ("user", "shared"):
                assert {jobs[f"discord-{other}"]["status"] for other in others} == {"succeeded"}
            else:
                assert {job["status"] for job in jobs.values()} <= {"succeeded", "rate_limited"}
                assert len(after) <= len(others), "what was on its way arrives; no other request leaves any more"

            clock.ahead = timedelta(hours=1)
            for guild_id in world.guilds:
                assert (await daemon.sync(guild_id))["status"] == "succeeded"
    for guild_id in world.guilds:
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_POSTGRES
async def test_one_fault_in_fifty_is_made_up_for_by_the_next_sync(database_url: str) -> None:
    world = lean_rich_world()
    async with Simulator(world) as sim:
        sim.faults.scatter(one_in=50, seed=11)
        async with running_daemon(sim, database_url) as daemon:
            jobs = await daemon.idle(len(world.guilds))
            assert sum(job["metrics"]["retries"] for job in jobs) > 5
            sim.faults.clear()
            for guild_id in world.guilds:
                assert (await daemon.sync(guild_id))["status"] == "succeeded"
    for guild_id in world.guilds:
        assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@pytest.mark.process
async def test_500s_for_ever_are_asked_four_times_at_0_1_3_and_7_seconds(tmp_path: Path) -> None:
    """In a process of its own, so that the waits are real."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uniform_world(4, 150)
    guild_id = guild_of(world)
    broken, *_ = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", status=500, route=MESSAGES, channel_id=broken, times=4))
        settings = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
        async with process(tmp_path / "log", sim=sim, url=url, settings=settings) as daemon:
            await daemon.until(lambda: sim.requests.count(MESSAGES, status=500) == 4)
            await daemon.synced()
            jobs = (await daemon.get(f"/api/jobs?tenant_id=discord-{guild_id}"))["jobs"]
            assert [job["status"] for job in jobs] == ["succeeded", "partial"], "the first sync is tried again"
            (failed,) = jobs[1]["error"]["channels"]
            assert failed | {"channel_id": str(broken), "code": "call_failed"} == failed
            assert "500" in failed["message"]
            assert failed["remedy"]
            assert jobs[1]["progress"] | {"channels_done": 3, "channels_failed": 1} == jobs[1]["progress"]
        tries = [e.at_monotonic for e in sim.requests.entries() if (e.template, e.channel_id) == (MESSAGES, broken)][:4]
        # The channel's pace (a request in 1.1 s) comes on top of the first wait.
        waits = [later - sooner for sooner, later in pairwise(tries)]
        assert all(wait >= least - 0.05 for wait, least in zip(waits, (1, 2, 4), strict=True)), waits
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])
