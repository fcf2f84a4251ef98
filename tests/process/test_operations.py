"""Operating it: what the service manager hears, the unit it is run by, and every fault of the disk told plainly.

Whatever happens, nothing that was committed is lost, and the next run completes.
"""

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.faults import Fault
from adapters.discord.simulator.model import World
from adapters.discord.simulator.truth import truth
from adapters.discord.simulator.worlds import uniform_world
from tests.process.test_process import MISCONFIGURED, ends, sqlite
from tests.support.archive import assert_equal_to_truth, count_messages
from tests.support.process import ROOT, UNHURRIED, json_lines, process

UNIT = ROOT / "systemd" / "platform-sync.service"
MESSAGES = "/channels/{channel_id}/messages"
WITHOUT_REACTIONS = UNHURRIED | {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
FAILED = 1


def assert_complete(world: World, url: str) -> None:
    """The archive equals the only guild."""
    (guild_id,) = world.guilds
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


async def complete(world: World, sim: Simulator, url: str, log: Path) -> None:
    """One more run, and the archive equals the guild."""
    (guild_id,) = world.guilds
    async with process(log, sim=sim, database_url=url, **WITHOUT_REACTIONS) as daemon:
        await daemon.until(lambda: '"event": "connected"' in daemon.log)
        # What failed too often waits for its next hour otherwise.
        sync = f"{await daemon.url()}/api/tenants/discord-{guild_id}/sync"
        async with aiohttp.ClientSession() as session, session.post(sync) as answer:
            assert answer.status in (200, 202), await answer.text()
        await daemon.synced()
        assert await daemon.stop() == 0
    assert_complete(world, url)


async def test_the_service_manager_is_told(tmp_path: Path) -> None:
    database, away = tmp_path / "archive.db", tmp_path / "away"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.setblocking(False)
        loop = asyncio.get_running_loop()

        async def hear(wanted: str) -> None:
            async with asyncio.timeout(30):
                while wanted not in (await loop.sock_recv(ear, 4096)).decode():
                    pass

        settings = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        async with (
            Simulator(uniform_world(1, 1)) as sim,
            process(tmp_path / "log", sim=sim, database_url=sqlite(tmp_path), **settings) as daemon,
        ):
            await hear("STATUS=opening the database")
            await hear("READY=1")
            assert await daemon.get("/healthz") == {"status": "ok"}
            await hear("STATUS=discord: connected; tenants: 1, running syncs: 0\nWATCHDOG=1")
            database.rename(away)
            await hear("STATUS=the database cannot be used")
            while loop.time() and "cannot be used" not in (heard := (await loop.sock_recv(ear, 4096)).decode()):
                pass
            assert "WATCHDOG" not in heard
            away.rename(database)
            await hear("WATCHDOG=1")
            daemon.process.terminate()
            await hear("STOPPING=1")
            assert await asyncio.wait_for(daemon.process.wait(), 10) == 0
    (line,) = [line for line in json_lines(daemon.log) if "no sign of life" in line["event"]]
    assert "was removed or replaced" in line["reason"]


async def test_secrets_come_as_credentials_and_never_come_out(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    secrets = {"PLATFORM_SYNC_API_TOKEN": "an-api-token", "PLATFORM_SYNC_HASH_KEY": "a-hash-key"}
    async with Simulator(uniform_world(1, 1)) as sim:
        secrets["DISCORD_BOT_TOKEN"] = sim.world.token
        for name, secret in secrets.items():
            (credentials / name).write_text(f"{secret}\n")
        settings = {
            "CREDENTIALS_DIRECTORY": str(credentials),
            "DISCORD_BOT_TOKEN": "",
            "PLATFORM_SYNC_LOG__LEVEL": "DEBUG",
        }
        async with process(tmp_path / "log", sim=sim, database_url=sqlite(tmp_path), **settings) as daemon:
            assert (await daemon.get("/api/tenants"))["code"] == "unauthorized"
            await daemon.until(lambda: "sync ended" in daemon.log)
            assert await daemon.stop() == 0
    assert not [secret for secret in secrets.values() if secret in daemon.log]


async def test_check_tells_by_its_exit_status(tmp_path: Path) -> None:
    async with Simulator(uniform_world(2, 1)) as sim:
        status, said = await ends(tmp_path / "log", "check", sim=sim, url=sqlite(tmp_path))
        assert status == 0, said
        assert "  ok       archived: 2 (2 text)\n" in said
        status, said = await ends(tmp_path / "log", "check", "--tenant", "discord-7", sim=sim, url=sqlite(tmp_path))
        assert status == FAILED, said
        assert "discord-7\n  PROBLEM  there is no such tenant" in said
    status, said = await ends(tmp_path / "log", "check", "--config", "/nowhere", url=sqlite(tmp_path))
    assert status == MISCONFIGURED, said


async def test_a_token_revoked_in_the_middle(tmp_path: Path) -> None:
    world = uniform_world(3, 3_000)
    paced = WITHOUT_REACTIONS | {"PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100"}
    async with Simulator(world) as sim:
        async with process(tmp_path / "log", sim=sim, database_url=sqlite(tmp_path), **paced) as daemon:
            await daemon.until(lambda: sim.requests.count(MESSAGES) > 40)
            sim.faults.add(Fault("status", status=401, times=None))
            assert await asyncio.wait_for(daemon.process.wait(), 20) == MISCONFIGURED, daemon.log
            assert "Traceback" not in daemon.log
            assert "no longer accepts the bot's token" in daemon.log
        assert count_messages(sqlite(tmp_path)) >= 2_000
        sim.faults.clear()
        await complete(world, sim, sqlite(tmp_path), tmp_path / "log")


async def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    world = uniform_world(1, 200)
    async with Simulator(world) as sim:
        await complete(world, sim, sqlite(tmp_path), tmp_path / "log")
        with closing(sqlite3.connect(tmp_path / "archive.db")) as connection:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("UPDATE alembic_version SET version_num = 'future'")
            connection.commit()
        before = (tmp_path / "archive.db").read_bytes()
        for verb in ("run", "migrate"):
            status, log = await ends(tmp_path / "log", verb, sim=sim, url=sqlite(tmp_path))
            assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
            assert "written by a newer version of this program" in log
            assert "at revision future" in log
        assert (tmp_path / "archive.db").read_bytes() == before
        with closing(sqlite3.connect(tmp_path / "archive.db")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", revision)
            connection.commit()
    assert_complete(world, sqlite(tmp_path))


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """A file or folder that cannot be written, not even by root, who heeds no modes."""
    if os.geteuid() != 0:
        mode = path.stat().st_mode
        path.chmod(mode & 0o555)
        yield
        path.chmod(mode)
        return
    _mount("--bind", str(path), str(path))
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(path)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def _mount(*arguments: str) -> None:
    """Skips the test where nothing may be mounted, as in a container without rights."""
    mounted = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")


@pytest.mark.parametrize("part", ["file", "folder"])
async def test_a_database_that_cannot_be_written(part: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    url = sqlite(folder)
    world = uniform_world(1, 200)
    async with Simulator(world) as sim:
        await complete(world, sim, url, tmp_path / "log")
        with read_only(folder if part == "folder" else folder / "archive.db"):
            status, log = await ends(tmp_path / "log", sim=sim, url=url)
        assert (status, "Traceback" in log) == (MISCONFIGURED, False), log
        assert "Check the rights on the file and its folder" in log
    assert_complete(world, url)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_disk_that_gets_full_in_the_middle(small_disk: Path, tmp_path: Path) -> None:
    world = uniform_world(3, 6_000)
    url = sqlite(small_disk)
    async with Simulator(world) as sim:
        async with process(tmp_path / "log", sim=sim, database_url=url, **WITHOUT_REACTIONS) as daemon:
            await daemon.until(lambda: '"code": "database_full"' in daemon.log)
            assert "Traceback" not in daemon.log, daemon.log
            assert await daemon.get("/healthz") == {"status": "ok"}
            kept = count_messages(url)
            assert kept >= 1_000
            assert await daemon.stop() == 0, daemon.log
        assert count_messages(url) >= kept
        _mount("-o", "remount,size=64m", str(small_disk))
        await complete(world, sim, url, tmp_path / "log")


async def test_a_disk_that_is_full_at_the_start(small_disk: Path, tmp_path: Path) -> None:
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(5 * 1024 * 1024))
    async with Simulator(uniform_world(1, 1)) as sim:
        status, log = await ends(tmp_path / "log", sim=sim, url=sqlite(small_disk))
        # Not 78: it may pass, and then the service manager's next try goes well.
        assert (status, "Traceback" in log) == (FAILED, False), log
        assert "The disk that holds the database is full" in log
        filler.unlink()
        await complete(sim.world, sim, sqlite(small_disk), tmp_path / "log")


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@needs_systemd
def test_the_unit_is_hardened() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)]
    judged = subprocess.run(command, check=False, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout[-300:]


@needs_systemd
def test_the_unit_holds_no_mistake(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/platform-sync/.venv/bin/python", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", str(here)], check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_does_not_start_again_where_that_cannot_help() -> None:
    lines = UNIT.read_text().splitlines()
    assert f"RestartPreventExitStatus={MISCONFIGURED}" in lines
    secrets = {line.split("=")[1].split(":")[0] for line in lines if line.startswith("LoadCredential=")}
    names = {"DISCORD_BOT_TOKEN", "PLATFORM_SYNC_API_TOKEN", "PLATFORM_SYNC_HASH_KEY", "PLATFORM_SYNC_DATABASE__URL"}
    assert secrets == names
