"""Operating it: what the service manager is notified of, secrets, the check, and a token that is revoked."""

import asyncio
import socket
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from tests.support.archive import count_messages
from tests.support.guilds import complete
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import (
    FAILED,
    MISCONFIGURED,
    NO_REACTIONS,
    UNHURRIED,
    json_lines,
    process,
    run_to_end,
    sqlite_url,
)
from tests.support.typed import typed_to_end

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.usefixtures("restored_logging")]

MESSAGES = "/channels/{channel_id}/messages"


async def test_the_service_manager_is_notified(tmp_path: Path) -> None:
    database, away = tmp_path / "archive.db", tmp_path / "away"
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        async def received(wanted: str) -> str:
            """Return the next notification that holds these words."""
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    if wanted in (text := (await loop.sock_recv(manager, 4096)).decode()):
                        return text

        settings = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        async with (
            Simulator(uniform_world(1, 1)) as sim,
            process(tmp_path / "log", sim=sim, url=sqlite_url(tmp_path), settings=settings) as daemon,
        ):
            await received("STATUS=opening the database")
            await received("READY=1")
            assert await daemon.get("/healthz") == {"status": "ok"}
            await received("STATUS=discord: connected; tenants: 1, running syncs: 0\nWATCHDOG=1")
            database.rename(away)
            await received("STATUS=the database cannot be used")
            assert "WATCHDOG" not in await received("cannot be used")
            away.rename(database)
            await received("WATCHDOG=1")
            daemon.process.terminate()
            await received("STOPPING=1")
            assert await daemon.ended() == 0
    lines = [line for line in json_lines(daemon.log) if "no sign of life" in line["event"]]
    assert any("was removed or replaced" in line["reason"] for line in lines)  # a busy machine misses others


async def test_secrets_come_as_credentials_and_never_come_out(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    secrets = {"PLATFORM_SYNC_API_TOKEN": "an-api-token-of-a-test", "PLATFORM_SYNC_HASH_KEY": "a-hash-key-of-a-test"}
    async with Simulator(uniform_world(1, 1)) as sim:
        secrets["DISCORD_BOT_TOKEN"] = sim.world.token
        for name, secret in secrets.items():
            (credentials / name).write_text(f"{secret}\n")
        settings = {
            "CREDENTIALS_DIRECTORY": str(credentials),
            "DISCORD_BOT_TOKEN": "",
            "PLATFORM_SYNC_LOG__LEVEL": "DEBUG",
        }
        async with process(tmp_path / "log", sim=sim, url=sqlite_url(tmp_path), settings=settings) as daemon:
            assert (await daemon.get("/api/tenants"))["code"] == "unauthorized"
            await daemon.until(lambda: "sync ended" in daemon.log)
            assert await daemon.stop() == 0
    assert not [secret for secret in secrets.values() if secret in daemon.log]


async def test_check_says_by_its_exit_status_what_it_found(tmp_path: Path) -> None:
    async with Simulator(uniform_world(2, 1)) as sim:
        status, said = await run_to_end(tmp_path / "log", "check", sim=sim, url=sqlite_url(tmp_path))
        assert status == 0, said
        assert "  ok       archived: 2 (2 text)\n" in said
        status, said = await typed_to_end("check", "--tenant", "discord-7", sim=sim, url=sqlite_url(tmp_path))
        assert status == FAILED, said
        assert "discord-7\n  PROBLEM  there is no such tenant" in said
    status, said = await typed_to_end("check", "--config", "/nowhere", url=sqlite_url(tmp_path))
    assert status == MISCONFIGURED, said


async def test_a_token_revoked_in_the_middle(tmp_path: Path) -> None:
    world = uniform_world(3, 1_500)
    url, settings = sqlite_url(tmp_path), UNHURRIED | NO_REACTIONS
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", status=401, route=MESSAGES, after=40, times=None))
        async with process(tmp_path / "log", sim=sim, url=url, settings=settings) as daemon:
            assert await daemon.ended() == MISCONFIGURED, daemon.log
            assert "Traceback" not in daemon.log
            assert "no longer accepts the bot's token" in daemon.log
        assert count_messages(url) >= 2_000
        sim.faults.clear()
        await complete(world, sim, url, tmp_path / "log")
