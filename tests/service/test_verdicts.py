"""What a refusal is worth: an error of its job, never a lasting word about a channel or a thread."""

from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, tree_world, uniform_world
from adapters.discord.simulator.permissions import VIEW_CHANNEL
from adapters.discord.simulator.request_log import GATEWAY
from adapters.discord.simulator.truth import truth
from tests.support.archive import archived, assert_equal_to_truth
from tests.support.daemon import ONLY_MESSAGES, VERIFYING, Daemon, archiving, codes_of, end_of, running_daemon
from tests.support.guilds import guild_of

WHOLE = {**ONLY_MESSAGES, **VERIFYING}
"""Everything is listed at every sync."""
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
ARCHIVED = "/channels/{channel_id}/threads/archived/public"
ROLES, LISTING = "/guilds/{guild_id}/roles", "/guilds/{guild_id}/channels"
ACTIVE = "/guilds/{guild_id}/threads/active"


@pytest.fixture
def url(tmp_path: Any) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/archive.db"


async def first_job(daemon: Daemon) -> Any:
    return await daemon.job_ended((await daemon.get("/api/jobs"))["jobs"][-1]["job_id"])


async def synced(daemon: Daemon, guild_id: int) -> Any:
    """A sync that begins from now on, as it ended."""
    job: Any = None
    for _ in range(2):
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        job = await daemon.job_ended(asked["job_id"])
    return job


@pytest.mark.parametrize("route", [MESSAGES, ARCHIVED])
async def test_a_refusal_of_a_second_is_made_up_for_by_the_next_sync(url: str, route: str) -> None:
    world = tree_world(1, 24)
    guild_id = guild_of(world)
    (parent,) = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route=route, after=10 if route == MESSAGES else 0, times=None))
        async with running_daemon(sim, url, WHOLE) as daemon:
            await daemon.sees(lambda: sim.requests.count(route, status=0) > 0)
            sim.change.set_bot_permissions(parent, deny=VIEW_CHANNEL, silent=True)
            sim.faults.clear()
            await daemon.sees(lambda: sim.requests.count(route, status=403) > 0)
            sim.change.set_bot_permissions(parent, silent=True)
            job = await first_job(daemon)
            assert (job["status"], set(codes_of(job)[1])) == ("partial", {"channel_unreadable"})
            coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
            assert {one["code"] for one in coverage["incomplete"]} == {"channel_unreadable"}
            assert (await synced(daemon, guild_id))["status"] == "succeeded"
            assert (await daemon.get(f"/api/tenants/discord-{guild_id}/coverage"))["incomplete"] == []
            rows = (await daemon.get(f"/api/tenants/discord-{guild_id}/channels"))["channels"]
            assert {(row["sync_state"], str(row["last_error"])) for row in rows} == {("archived", "None")}
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.parametrize("asks", [LISTING, ROLES, ACTIVE])
async def test_an_answer_that_cannot_be_true_is_a_failed_call(url: str, asks: str) -> None:
    world = uniform_world(2, 10)
    guild_id = guild_of(world)
    async with archiving(world, url, WHOLE) as (sim, daemon):
        sim.change.post(next(iter(world.guilds[guild_id].channels)), "news", silent=True)
        sim.faults.add(Fault("empty", route=asks))
        job = await daemon.sync(guild_id)
        assert (job["status"], job["metrics"]["retries"], job["metrics"]["messages"]) == ("succeeded", 1, 1)
        sim.faults.add(Fault("empty", route=asks, times=None))
        job = await daemon.sync(guild_id)
        assert end_of(job) == ("failed", "call_failed")
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


@pytest.mark.parametrize("held", [MESSAGES, ROLES])
async def test_what_is_written_after_a_channel_became_private_is_not_kept(url: str, held: str) -> None:
    """A page is on its way, or a listing, when the gateway tells of it."""
    world = uniform_world(2, 10)
    guild_id = guild_of(world)
    channel, *_ = world.guilds[guild_id].channels
    async with archiving(world, url, WHOLE) as (sim, daemon):
        await in_a_new_session(sim, daemon, guild_id)
        sim.change.post(channel, "public, but not read yet")
        sim.faults.add(Fault("hold", route=held, times=None))
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        await daemon.sees(lambda: sim.requests.count(held, status=0) == 1)
        sim.change.hide_channel(channel, bot_keeps=True)
        for number in range(40):
            sim.change.post(channel, f"secret {number}")
        await daemon.until(lambda: shown(url, guild_id, channel), lambda reason: reason == "not_public")
        sim.faults.clear()
        assert (await daemon.job_ended(asked["job_id"]))["status"] == "succeeded"
        texts = {row["content"] for row in archived(url, "messages", guild_id).values()}
        assert not {text for text in texts if text.startswith("secret")}
        assert await shown(url, guild_id, channel) == "not_public"


@pytest.mark.parametrize("how", ["away", "another session", "an outage"])
async def test_what_is_written_in_private_is_not_kept_where_the_gateway_could_not_tell(url: str, how: str) -> None:
    world = uniform_world(2, 10)
    guild_id = guild_of(world)
    channel, other = world.guilds[guild_id].channels
    async with archiving(world, url, WHOLE) as (sim, daemon):
        await in_a_new_session(sim, daemon, guild_id)
        for place in (channel, other):
            sim.change.post(place, "public, but not read yet")
        sim.faults.add(Fault("hold", route=MESSAGES, times=None))
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        await daemon.sees(lambda: sim.requests.count(MESSAGES, status=0) == 2)
        if how == "away":
            sim.faults.add(Fault("status", status=503, route=GATEWAY, times=None))
        if how == "an outage":
            sim.change.set_guild_unavailable(guild_id)
        else:
            sim.gateway.close(4000 if how == "away" else 4009)
        sim.change.hide_channel(channel, bot_keeps=True, silent=True)
        sim.change.post(channel, "secret", silent=True)
        if how == "an outage":
            sim.change.set_guild_available(guild_id)
            sim.change.rename_channel(other, "renamed")  # known once what came before it is
            await daemon.sees(lambda: archived(url, "channels", guild_id)[str(other),]["name"] == "renamed")
        elif how != "away":
            await daemon.sees(lambda: sim.gateway.connected == 1)
        sim.faults.clear()
        if how == "away":
            sim.faults.add(Fault("status", status=503, route=GATEWAY, times=None))
        job = await daemon.job_ended(asked["job_id"])
        assert (job["status"], job["metrics"]["messages"]) == ("succeeded", 1)
        assert "secret" not in {row["content"] for row in archived(url, "messages", guild_id).values()}
        assert await shown(url, guild_id, channel) == "not_public"


async def test_a_listing_that_failed_is_not_taken_for_one(url: str) -> None:
    """Two channels are read in turn; for the first one the channels cannot be listed."""
    world = uniform_world(2, 10)
    guild_id = guild_of(world)
    first, channel = world.guilds[guild_id].channels
    in_turn = {**WHOLE, "PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS": "1"}
    async with archiving(world, url, in_turn) as (sim, daemon):
        await in_a_new_session(sim, daemon, guild_id)
        for place in (first, channel):
            sim.change.post(place, "public, but not read yet")
        sim.faults.add(Fault("hold", route=MESSAGES, times=None))
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        await daemon.sees(lambda: sim.requests.count(MESSAGES, status=0) == 1)
        sim.gateway.close(4009)
        sim.change.hide_channel(channel, bot_keeps=True, silent=True)
        sim.change.post(channel, "secret", silent=True)
        await daemon.until(
            lambda: daemon.get(f"/api/tenants/discord-{guild_id}/coverage"), lambda coverage: coverage["gaps"]
        )
        await daemon.sees(lambda: sim.gateway.connected == 1)
        sim.faults.clear()
        sim.faults.add(Fault("status", status=400, route=ROLES))
        assert codes_of(await daemon.job_ended(asked["job_id"])) == ("partial", ["call_failed"])
        assert "secret" not in {row["content"] for row in archived(url, "messages", guild_id).values()}


async def in_a_new_session(sim: Simulator, daemon: Daemon, guild_id: int) -> None:
    """Begin a new session, in which every channel with news is read."""
    sim.gateway.invalidate()
    await daemon.until(
        lambda: daemon.get(f"/api/tenants/discord-{guild_id}/coverage"),
        lambda coverage: not coverage["live"]["channels_followed"] and coverage["gaps"],
    )
    await daemon.sees(lambda: sim.gateway.connected == 1)


async def shown(url: str, guild_id: int, channel: int) -> object:
    return archived(url, "channels", guild_id)[str(channel),]["skip_reason"]


async def test_a_bot_that_was_removed_is_refused_everything_and_says_so(url: str) -> None:
    world = tree_world(4, 8)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route=MESSAGES, after=3, times=None))
        async with running_daemon(sim, url, WHOLE) as daemon:
            await daemon.sees(lambda: sim.requests.count(MESSAGES, status=0) > 0)
            guild = sim.change.leave_guild(guild_id, silent=True)
            sim.faults.clear()
            job = await first_job(daemon)
            assert end_of(job) == ("failed", "tenant_unavailable")
            tenant = await daemon.get(f"/api/tenants/discord-{guild_id}")
            assert tenant["last_successful_sync_at"] is None
            rows = (await daemon.get(f"/api/tenants/discord-{guild_id}/channels"))["channels"]
            assert {row["skip_reason"] for row in rows} == {None}
            sim.change.join_guild(guild)
            await daemon.until(
                lambda: daemon.get(f"/api/tenants/discord-{guild_id}"), lambda now: now["sync_status"] == "ok"
            )
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])
