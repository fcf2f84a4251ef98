"""The process as its operator meets it: start, stop, and every reason not to run told plainly."""

import asyncio
import socket
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.discord.simulator.worlds import uniform_world
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.process import NO_REPAIRS, UNHURRIED, json_lines, process

MISCONFIGURED = 78


def sqlite(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"


async def test_it_archives_answers_and_stops_at_a_safe_point_to_go_on_later(tmp_path: Path) -> None:
    world = uniform_world(3, 20_000)
    (guild_id,) = world.guilds
    log = tmp_path / "log"
    async with Simulator(world) as sim:
        paced = UNHURRIED | {
            "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "150",
            "PLATFORM_SYNC_SYNC__REACTION_USERS": "false",
        }
        paced |= NO_REPAIRS
        unhurried = paced | UNHURRIED
        async with process(log, sim=sim, database_url=sqlite(tmp_path), **paced) as daemon:
            assert await daemon.get("/healthz") == {"status": "ok"}
            await daemon.until(lambda: sim.requests.count("/channels/{channel_id}/messages") >= 100)
            assert await daemon.stop() == 0
        fetched = sim.requests.count("/channels/{channel_id}/messages", status=200)
        # The last pages may have been answered after the stop.
        assert count_messages(sqlite(tmp_path)) >= (fetched - 3) * 100
        assert [line["event"] for line in json_lines(daemon.log)][-1] == "stopped"
        async with process(log, sim=sim, database_url=sqlite(tmp_path), **unhurried) as daemon:
            await daemon.synced()
            (job,) = [(await daemon.get(f"/api/tenants/discord-{guild_id}/sync"))["job"]]
            assert (job["kind"], job["attempt"], job["status"]) == ("initial", 2, "succeeded")
            assert await daemon.stop() == 0
        assert sim.requests.count("/channels/{channel_id}/messages") <= 600 + 3
    assert_equal_to_truth(sqlite(tmp_path), truth(world, guild_id), guild_id, without=["reactions"])


async def ends(
    log: Path, *arguments: str, sim: Simulator | None = None, url: str = "", **settings: str
) -> tuple[int, str]:
    """How a process that cannot work ends, and what it says."""
    async with process(log, *arguments, sim=sim, database_url=url, **settings) as daemon:
        status = await asyncio.wait_for(daemon.process.wait(), 30)
        return status, daemon.log


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"DISCORD_BOT_TOKEN": ""}, "DISCORD_BOT_TOKEN is not set"),
        ({"DISCORD_BOT_TOKEN": "wrong"}, "Discord refuses the bot's token"),
        ({"PLATFORM_SYNC_HTTP__PORT": "many"}, "http.port"),
        ({"PLATFORM_SYNC_HTTP__HOST": "0.0.0.0"}, "PLATFORM_SYNC_API_TOKEN"),  # noqa: S104
        ({"PLATFORM_SYNC_DATABASE__URL": "mysql://x"}, "database.url"),
        ({"PLATFORM_SYNC_DATABASE__URL": "sqlite+aiosqlite:////proc/nowhere/archive.db"}, "/proc/nowhere"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_starting_again_cannot_help_is_said_and_exits_78(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    settings = dict(settings)
    url = settings.pop("PLATFORM_SYNC_DATABASE__URL", sqlite(tmp_path))
    async with Simulator(uniform_world(1, 1)) as sim:
        status, log = await ends(tmp_path / "log", sim=sim, url=url, **settings)
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert said in log


async def test_a_missing_intent_is_said_with_its_remedy(tmp_path: Path) -> None:
    world = uniform_world(1, 1)
    world.application_flags = 0
    async with Simulator(world) as sim:
        status, log = await ends(tmp_path / "log", sim=sim, url=sqlite(tmp_path))
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert "Message Content Intent" in log


async def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with Simulator(uniform_world(1, 1)) as sim:
            settings = {"PLATFORM_SYNC_HTTP__PORT": port}
            status, log = await ends(tmp_path / "log", sim=sim, url=sqlite(tmp_path), **settings)
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert f"cannot listen on 127.0.0.1:{port}" in log


async def test_a_second_daemon_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    url = sqlite(tmp_path)
    async with Simulator(uniform_world(1, 1)) as sim, process(tmp_path / "first", sim=sim, database_url=url) as first:
        await first.url()
        status, log = await ends(tmp_path / "second", sim=sim, url=url)
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert "Another process works on this SQLite archive" in log


async def test_another_hash_key_is_refused(tmp_path: Path) -> None:
    async with Simulator(uniform_world(1, 1)) as sim:
        async with process(tmp_path / "first", sim=sim, database_url=sqlite(tmp_path)) as first:
            await first.synced()
            await first.stop()
        status, log = await ends(tmp_path / "log", sim=sim, url=sqlite(tmp_path), PLATFORM_SYNC_HASH_KEY="new")
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert "hashing" in log


async def test_the_demo_archives_a_living_community(tmp_path: Path) -> None:
    # At its own pace: the demo's Discord enforces the limits.
    async with process(tmp_path / "log", "demo", database_url=sqlite(tmp_path)) as demo:
        await demo.url()
        await demo.until(lambda: count_messages(sqlite(tmp_path)) > 3_000)
        (tenant,) = (await demo.get("/api/tenants"))["tenants"]
        assert (tenant["name"], tenant["sync_status"]) == ("The Village Garden", "syncing")
        assert await demo.stop() == 0


async def test_migrate_says_where_the_database_is(tmp_path: Path) -> None:
    status, log = await ends(tmp_path / "log", "migrate", url=sqlite(tmp_path))
    assert (status, "the database is at revision" in log) == (0, True), log
