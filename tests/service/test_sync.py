"""What a sync does when the guild has changed, when something fails, and when Discord says to wait."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator, tree_world, uniform_world
from adapters.discord.simulator.truth import truth
from bot.app import utc_now
from tests.support.archive import archived, assert_equal_to_truth
from tests.support.daemon import HASTY, ON_SQLITE, ONLY_MESSAGES, VERIFYING, Clock, archiving, running_daemon
from tests.support.guilds import guild_of
from tests.support.rich_archive import lean_rich_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
SELDOM = [pytest.param(scope, marks=pytest.mark.slow) for scope in ("shared", "cloudflare")]


@ON_SQLITE
async def test_new_messages_channels_threads_and_posts_arrive(database_url: str) -> None:
    world = lean_rich_world()
    guild_id = guild_of(world)
    async with archiving(world, database_url) as (sim, daemon):
        text = next(c for c in world.guilds[guild_id].channels.values() if c.name == "general" or c.type == 0)
        forum = next(c for c in world.guilds[guild_id].channels.values() if c.type == 15)
        for silent in (True, False):
            sim.change.post(text.id, f"hello {silent}", silent=silent)
            sim.change.create_channel(guild_id, f"new-{silent}", silent=silent)
            sim.change.create_thread(forum.id, f"post-{silent}", "what do you think?", silent=silent)
            thread = sim.change.create_thread(text.id, f"thread-{silent}", "here", silent=silent)
            sim.change.archive_thread(thread.id, silent=silent)
        assert (await daemon.sync(guild_id))["status"] == "succeeded"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_a_hidden_channel_is_not_read_and_keeps_what_it_had(database_url: str) -> None:
    world = tree_world(3, 6)
    guild_id = guild_of(world)
    hidden, *_ = world.guilds[guild_id].channels
    threads = {str(t.id) for t in world.guilds[guild_id].threads.values() if t.parent_id == hidden}
    async with archiving(world, database_url, HASTY) as (sim, daemon):
        before = archived(database_url, "messages", guild_id)
        sim.change.hide_channel(hidden, bot_keeps=True, silent=True)
        sim.change.post(hidden, "a secret", silent=True)
        sim.requests.clear()
        assert (await daemon.sync(guild_id))["status"] == "succeeded"
        asked = {str(entry.channel_id) for entry in sim.requests.entries(MESSAGES)}
        assert not asked & {str(hidden), *threads}
        assert archived(database_url, "messages", guild_id) == before
        rows = archived(database_url, "channels", guild_id)
        assert rows[str(hidden),]["skip_reason"] == "not_public"
        assert {rows[thread,]["skip_reason"] for thread in threads} == {"not_public"}

        sim.change.show_channel(hidden, silent=True)
        sim.change.post(hidden, "not secret", silent=True)
        await daemon.sync(guild_id)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


async def test_what_was_deleted_unseen_is_found_by_asking_once(database_url: str) -> None:
    world = tree_world(4, 8)
    guild_id = guild_of(world)
    channel = list(world.guilds[guild_id].channels)[1]
    thread = next(t.id for t in world.guilds[guild_id].threads.values() if not t.archived and t.parent_id != channel)
    async with archiving(world, database_url, VERIFYING) as (sim, daemon):
        before = archived(database_url, "messages", guild_id)
        sim.change.delete_channel(channel, silent=True)
        sim.change.delete_thread(thread, silent=True)
        for expected in (2, 2):
            await daemon.sync(guild_id)
            assert sim.requests.count("/channels/{channel_id}") == expected
        rows = archived(database_url, "channels", guild_id)
        assert {rows[str(i),]["skip_reason"] for i in (channel, thread)} == {"deleted"}
        assert archived(database_url, "messages", guild_id) == before


@ON_SQLITE
async def test_one_failing_channel_is_told_and_holds_up_no_other(database_url: str) -> None:
    world = uniform_world(5, 250, now=utc_now())  # young enough to be repaired
    guild_id = guild_of(world)
    broken, *_ = world.guilds[guild_id].channels
    async with archiving(world, database_url, HASTY) as (sim, daemon):
        for channel in world.guilds[guild_id].channels:
            sim.change.post(channel, "news", silent=True)
        sim.faults.add(Fault("status", status=500, route=MESSAGES, channel_id=broken, times=None))
        sim.requests.clear()
        job = await daemon.sync(guild_id)
        assert job["status"] == "partial"
        assert sim.requests.count(MESSAGES, channel_id=broken) == 8, "when it is read, and when it is repaired"
        assert job["progress"] | {"messages": 4, "channels_failed": 1, "channels_done": 4} == job["progress"]
        (failed,) = job["error"]["channels"]
        assert (failed["channel_id"], failed["code"]) == (str(broken), "call_failed")
        assert "500" in failed["message"]
        rows = (await daemon.get(f"/api/tenants/discord-{guild_id}/channels"))["channels"]
        errors = {row["platform_id"]: row["last_error"] for row in rows if row["last_error"]}
        assert errors[str(broken)] | {"code": "call_failed", "attempts": 4} == errors.pop(str(broken))
        assert errors == {}
        assert (await daemon.get(f"/api/tenants/discord-{guild_id}"))["sync_status"] == "partial"
        sim.faults.clear()
        assert (await daemon.sync(guild_id))["status"] == "succeeded"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_a_failed_first_sync_is_tried_three_times_more(database_url: str) -> None:
    world = uniform_world(1, 50)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", status=500, route="/guilds/{guild_id}/channels", times=4 * 3))
        async with running_daemon(sim, database_url) as daemon:
            await daemon.until(
                lambda: daemon.ask("GET", f"/api/tenants/discord-{guild_id}"),
                lambda answer: answer[1].get("sync_status") == "ok",
            )
            assert sim.requests.count("/guilds/{guild_id}/channels", status=500) == 12
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id)


@pytest.mark.parametrize("scope", ["user", "global", *SELDOM])
async def test_after_a_429_the_next_sync_waits_as_long_as_told_and_resumes(tmp_path: Path, scope: str) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uniform_world(2, 1_150)
    guild_id = guild_of(world)
    clock = Clock()
    async with Simulator(world) as sim:
        sim.faults.add(Fault("rate_limit", route=MESSAGES, scope=scope, retry_after=120, after=22))  # type: ignore[arg-type]
        async with running_daemon(sim, database_url, clock=clock, settings=ONLY_MESSAGES) as daemon:
            (job,) = await daemon.idle()
            assert job["status"] == "rate_limited"
            assert job["error"]["code"] == "rate_limited"
            kept = len(archived(database_url, "messages", guild_id))
            assert kept >= 1_900, "pages that were fetched before the 429 are kept"
            sent = sim.requests.count(MESSAGES)

            status, waiting = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
            assert (status, waiting["status"], waiting["queue_position"]) == (202, "queued", 1)
            clock.ahead = timedelta(seconds=125)
            assert (await daemon.job_ended(waiting["job_id"]))["status"] == "succeeded"
            assert sim.requests.count(MESSAGES) <= 24 + (sent - kept // 100)
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])


async def test_the_end_of_a_sync_is_one_log_line_with_its_figures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with archiving(uniform_world(2, 150), url):
        pass
    (line,) = [record.__dict__ for record in caplog.records if record.getMessage() == "sync ended"]
    figures = {"status": "succeeded", "messages": 300, "channels_done": 2}
    assert {name: line[name] for name in figures} == figures
    assert line.get("tenant_name"), "the community is named"
    assert not line.keys() & {"channels_failed", "channels_skipped", "retries"}, "what is zero is not said"
    assert line["reactions"] > 0
    assert line["duration_seconds"] > 0
    assert line["requests"] == 3 + 2 + 4 + line["reactions_done"], "listings, archived threads, pages, lists of users"


async def test_messages_are_committed_a_thousand_at_a_time(database_url: str) -> None:
    world = uniform_world(1, 2_500)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hang", route=MESSAGES, after=19, times=None))
        async with running_daemon(sim, database_url, settings=ONLY_MESSAGES) as daemon:
            await daemon.until(lambda: daemon.get("/healthz"), lambda _: sim.requests.count(MESSAGES) == 20)
            await daemon.until(
                lambda: daemon.get(f"/api/tenants/discord-{guild_id}"), lambda t: t["totals"]["messages"] == 1_000
            )
            assert len(archived(database_url, "messages", guild_id)) == 1_000, "the other 900 wait for their batch"
        assert len(archived(database_url, "messages", guild_id)) == 1_900, "what was fetched is kept at a stop"
