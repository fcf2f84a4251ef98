"""Jobs and their queue as a user follows them: positions, estimates, errors, pages, and calling them off."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.truth import truth
from bot.skip_words import SkipWords
from tests.support.archive import count_messages
from tests.support.daemon import ON_SQLITE, Daemon, end_of, running_daemon
from tests.support.rich_archive import lean_rich_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

GUILDS = 4
NO_USERS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
ONE_AT_A_TIME = {"PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": "1", **NO_USERS}
SLOW = {"requests_per_second": 20.0}


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[Daemon]:
    """One sync runs, and will for long; three wait."""
    world = uniform_world(2, 3_000, guilds=GUILDS)
    async with Simulator(world) as sim, running_daemon(sim, database_url, pace=SLOW, settings=ONE_AT_A_TIME) as daemon:
        await daemon.until(
            lambda: daemon.get("/api/queue"), lambda queue: (queue["running"], queue["waiting"]) == (1, GUILDS - 1)
        )
        yield daemon


async def pages(daemon: Daemon, path: str, key: str, limit: int) -> list[list[Any]]:
    """Every page of a list."""
    found: list[list[Any]] = []
    cursor = None
    while not found or cursor:
        page = await daemon.get(
            f"{path}{'&' if '?' in path else '?'}limit={limit}{f'&cursor={cursor}' if cursor else ''}"
        )
        found.append(page[key])
        cursor = page["next_cursor"]
    return found


async def test_the_queue_in_order(busy: Daemon) -> None:
    queue = await busy.get("/api/queue")
    assert [(job["status"], job["queue_position"]) for job in queue["jobs"]] == [
        ("running", None),
        ("queued", 1),
        ("queued", 2),
        ("queued", 3),
    ]
    last = queue["jobs"][-1]
    status, job = await busy.ask("POST", f"/api/tenants/{last['tenant_id']}/sync")
    assert (status, job["created"], job["job_id"], job["queue_position"]) == (200, False, last["job_id"], 1)
    in_pages = [[job["job_id"] for job in page] for page in await pages(busy, "/api/queue", "jobs", 3)]
    assert list(map(len, in_pages)) == [3, 1]
    assert in_pages[0][1] == last["job_id"]
    assert (await busy.get(f"/api/jobs/{last['job_id']}"))["queue_position"] == 1


async def test_a_waiting_job_is_cancelled_at_once(busy: Daemon) -> None:
    waiting = (await busy.get("/api/queue"))["jobs"][1]
    for _ in range(2):
        status, job = await busy.ask("DELETE", f"/api/jobs/{waiting['job_id']}")
        assert (status, job["status"], job["queue_position"]) == (200, "cancelled", None)
    assert job["finished_at"]
    queue = await busy.get("/api/queue")
    assert (queue["waiting"], len(queue["jobs"])) == (GUILDS - 2, GUILDS - 1)


async def test_a_running_job_is_cancelled_at_its_next_safe_point(busy: Daemon, database_url: str) -> None:
    running = (await busy.get("/api/queue"))["jobs"][0]
    status, job = await busy.ask("DELETE", f"/api/jobs/{running['job_id']}")
    assert (status, job["status"], job["cancel_requested"]) == (202, "running", True)
    ended = await busy.job_ended(running["job_id"])
    assert (ended["status"], ended["error"]) == ("cancelled", None)
    assert ended["metrics"]["messages"] < 6_000
    assert count_messages(database_url) >= ended["metrics"]["messages"]
    status, again = await busy.ask("DELETE", f"/api/jobs/{running['job_id']}")
    assert (status, again) == (200, ended)
    tenant = await busy.get(f"/api/tenants/{running['tenant_id']}")
    assert (tenant["last_sync_at"], tenant["last_successful_sync_at"]) == (None, None)
    assert tenant["next_sync_at"]


async def test_a_running_job_tells_how_far_it_is(busy: Daemon) -> None:
    (running,) = (await busy.get("/api/jobs?status=running"))["jobs"]
    job = await busy.until(
        lambda: busy.get(f"/api/jobs/{running['job_id']}"), lambda job: job["progress"]["fraction"] is not None
    )
    assert 0 < job["progress"]["fraction"] <= 1
    assert job["progress"]["channels_total"] == 2
    assert job["estimated_completion_at"] > job["started_at"]
    assert job["metrics"]["requests"] > 0
    assert job["metrics"]["duration_seconds"] > 0


async def test_lists_are_paged_and_filtered(database_url: str) -> None:
    world = uniform_world(5, 3, guilds=3)
    guild_id = next(iter(world.guilds))
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle(3)
        for _ in range(2):
            await daemon.sync(guild_id)
        lists = [
            ("/api/tenants", "tenants", 3),
            ("/api/jobs", "jobs", 5),
            (f"/api/jobs?tenant_id=discord-{guild_id}", "jobs", 3),
        ]
        lists.append((f"/api/tenants/discord-{guild_id}/channels", "channels", 5))
        for path, key, count in lists:
            whole = (await daemon.get(path))[key]
            assert len(whole) == count, path
            for limit in (1, 2, count):
                found = await pages(daemon, path, key, limit)
                assert [row for page in found for row in page] == whole, (path, limit)
        ids = [job["job_id"] for job in (await daemon.get("/api/jobs"))["jobs"]]
        assert ids == sorted(ids, reverse=True)
        for query, count in (("kind=initial", 3), ("kind=manual", 2), ("status=succeeded", 5), ("status=failed", 0)):
            assert len((await daemon.get(f"/api/jobs?{query}"))["jobs"]) == count, query
        assert (await daemon.get("/api/queue")) == {"running": 0, "waiting": 0, "jobs": [], "next_cursor": None}


@ON_SQLITE
async def test_errors_are_told_in_detail(database_url: str) -> None:
    world = uniform_world(3, 10)
    (guild_id,) = world.guilds
    broken = next(iter(world.guilds[guild_id].channels))
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        sim.change.post(broken, "news", silent=True)
        sim.faults.add(
            Fault("status", status=500, route="/channels/{channel_id}/messages", channel_id=broken, times=None)
        )
        job = await daemon.sync(guild_id)
        assert end_of(job) == ("partial", "channels_failed")
        (error,) = job["error"]["channels"]
        assert (error["channel_id"], error["code"]) == (str(broken), "call_failed")
        assert all(job["error"][part] and error[part] for part in ("message", "remedy"))
        channels = (await daemon.get(f"/api/tenants/discord-{guild_id}/channels"))["channels"]
        failed = {channel["platform_id"]: channel for channel in channels if channel["last_error"]}
        assert set(failed) == {str(broken)}
        channel = failed[str(broken)]
        assert (channel["state"], channel["last_error"]["code"]) == ("failed", "call_failed")
        assert channel["last_error"]["attempts"] == 4
        assert channel["last_error"]["remedy"]
        assert channel["last_error"]["at"]


@ON_SQLITE
async def test_coverage_accounts_for_every_channel(database_url: str) -> None:
    world = lean_rich_world()
    guild_id = next(iter(world.guilds))
    async with Simulator(world) as sim, running_daemon(sim, database_url, settings=NO_USERS) as daemon:
        await daemon.idle()
        path = f"/api/tenants/discord-{guild_id}"
        found = [row for page in await pages(daemon, f"{path}/channels", "channels", 7) for row in page]
        totals = (await daemon.get(path))["totals"]
    assert {row["platform_id"]: row["skip_reason"] for row in found} == {
        row["platform_id"]: row["skip_reason"] for row in truth(world, guild_id).channels()
    }
    words = SkipWords({"discord": DiscordAdapter.words}).of(f"discord-{guild_id}")
    for row in found:
        assert row["sync_state"] == ("skipped" if row["skip_reason"] else "archived")
        assert (row["explanation"] is None) is (row["skip_reason"] is None) is (row["skipped_since"] is None)
        assert row["explanation"] == (words[row["skip_reason"]] if row["skip_reason"] else None)
        assert row["messages"] == 0 or (row["checkpoint_message_id"] and row["checkpoint_at"])
    assert sum(row["messages"] for row in found) == totals["messages"]
    assert len(found) == totals["channels"]
    assert sum(row["reactions_pending"] for row in found) > 0


@ON_SQLITE
async def test_a_job_that_is_held_back_tells_until_when(database_url: str) -> None:
    world = uniform_world(1, 10)
    (guild_id,) = world.guilds
    (channel,) = world.guilds[guild_id].channels
    path = f"/api/tenants/discord-{guild_id}/sync"
    async with Simulator(world) as sim, running_daemon(sim, database_url, settings=NO_USERS) as daemon:
        await daemon.idle()
        await daemon.sync(guild_id)  # so that it is known how long one takes
        assert (await daemon.get(path))["not_before"] is None
        sim.change.post(channel, "news", silent=True)
        sim.faults.add(Fault("rate_limit", route="/channels/{channel_id}/messages", retry_after=600.0))
        limited = await daemon.sync(guild_id)
        assert end_of(limited) == ("rate_limited", "rate_limited")
        assert limited["error"]["retry_after_seconds"] == 600
        state = await daemon.get(path)
        assert state["not_before"] > state["last_sync_at"] > state["last_successful_sync_at"]
        assert 0 < state["checkpoint_age_seconds"] < 60
        status, held = await daemon.ask("POST", path, json={"kind": "manual"})
        assert (status, held["status"], held["queue_position"]) == (202, "queued", 1)
        assert held["run_after"] == state["not_before"]
        assert held["estimated_completion_at"] > held["run_after"]
