"""The process as its operator meets it: start, stop, and every reason not to run said plainly."""

import socket
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from tests.support.archive import count_messages
from tests.support.guilds import assert_complete, guild_of
from tests.support.process import (
    FAILED,
    MISCONFIGURED,
    NO_REACTIONS,
    NO_REPAIRS,
    UNHURRIED,
    json_lines,
    process,
    run_to_end,
    sqlite_url,
)
from tests.support.typed import typed_to_end

pytestmark = [pytest.mark.slow, pytest.mark.process, pytest.mark.usefixtures("restored_logging")]

MESSAGES = "/channels/{channel_id}/messages"


async def test_it_archives_answers_and_stops_at_a_safe_point_to_go_on_later(tmp_path: Path) -> None:
    world = uniform_world(3, 2_000)
    log, url = tmp_path / "log", sqlite_url(tmp_path)
    settings = UNHURRIED | NO_REACTIONS | NO_REPAIRS
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route=MESSAGES, after=30, times=None))
        async with process(log, sim=sim, url=url, settings=settings) as daemon:
            assert await daemon.get("/healthz") == {"status": "ok"}
            await daemon.until(lambda: sim.requests.count(MESSAGES) == 33)
            assert await daemon.stop() == 0
        assert count_messages(url) == 3_000, "every page that was answered"
        assert [line["event"] for line in json_lines(daemon.log)][-1] == "stopped"
        sim.faults.clear()
        async with process(log, sim=sim, url=url, settings=settings) as daemon:
            await daemon.synced()
            job = (await daemon.get(f"/api/tenants/discord-{guild_of(world)}/sync"))["job"]
            assert (job["kind"], job["attempt"], job["status"]) == ("initial", 2, "succeeded")
            assert await daemon.stop() == 0
        on_their_way = ends = confirmed = 3  # each channel's last page is full: one more sees its end, one confirms it
        assert sim.requests.count(MESSAGES) == 60 + on_their_way + ends + confirmed
    assert_complete(world, url)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"DISCORD_BOT_TOKEN": ""}, "DISCORD_BOT_TOKEN is not set"),
        ({"PLATFORM_SYNC_HTTP__PORT": "many"}, "http.port"),
        ({"PLATFORM_SYNC_HTTP__HOST": "0.0.0.0"}, "PLATFORM_SYNC_API_TOKEN"),  # noqa: S104
        ({"PLATFORM_SYNC_DATABASE__URL": "mysql://x"}, "database.url"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_setting_that_cannot_work_is_said_and_exits_78(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    url = settings.get("PLATFORM_SYNC_DATABASE__URL", sqlite_url(tmp_path))
    async with Simulator(uniform_world(1, 1)) as sim:
        status, log = await typed_to_end("run", sim=sim, url=url, settings=settings)
    assert status == MISCONFIGURED, log
    assert said in log


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"DISCORD_BOT_TOKEN": "wrong"}, "Discord refuses the bot's token"),
        ({"PLATFORM_SYNC_DATABASE__URL": "sqlite+aiosqlite:////proc/nowhere/archive.db"}, "/proc/nowhere"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_starting_again_cannot_help_is_said_and_exits_78(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    settings = {"PLATFORM_SYNC_DATABASE__URL": sqlite_url(tmp_path)} | settings
    async with Simulator(uniform_world(1, 1)) as sim:
        status, log = await run_to_end(tmp_path / "log", sim=sim, settings=settings)
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert said in log


async def test_a_missing_intent_is_said_with_its_remedy(tmp_path: Path) -> None:
    world = uniform_world(1, 1)
    world.application_flags = 0
    async with Simulator(world) as sim:
        status, log = await run_to_end(tmp_path / "log", sim=sim, url=sqlite_url(tmp_path))
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert "Message Content Intent" in log


async def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with Simulator(uniform_world(1, 1)) as sim:
            settings = {"PLATFORM_SYNC_HTTP__PORT": port}
            status, log = await run_to_end(tmp_path / "log", sim=sim, url=sqlite_url(tmp_path), settings=settings)
    assert (status, "Traceback" in log) == (FAILED, False), log
    assert f"cannot listen on 127.0.0.1:{port}" in log


async def test_a_second_daemon_on_one_sqlite_file_is_refused_and_another_hash_key(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    async with Simulator(uniform_world(1, 1)) as sim:
        async with process(tmp_path / "first", sim=sim, url=url) as first:
            await first.synced()
            status, log = await run_to_end(tmp_path / "second", sim=sim, url=url)
            assert (status, "Traceback" in log) == (FAILED, False), log
            assert "waiting for the database" in log
            assert "Another process works on this SQLite archive" in log
            await first.stop()
        new_key = {"PLATFORM_SYNC_HASH_KEY": "a new and long one"}
        status, log = await run_to_end(tmp_path / "log", sim=sim, url=url, settings=new_key)
    assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
    assert "hashing" in log


async def test_migrate_says_where_the_database_is(tmp_path: Path) -> None:
    status, log = await typed_to_end("migrate", url=sqlite_url(tmp_path))
    assert (status, "the database is at revision" in log) == (0, True), log
