"""A verb finds the processes that share its archive, and no other: by the configuration, or by what they entered."""

import json
import socket
from pathlib import Path

import pytest

import bot.cli_processes
import bot.cli_syncs  # noqa: F401 # both add verbs
from adapters.discord.simulator import Simulator, uniform_world
from storage.database import open_database
from storage.processes import Process, beat
from tests.support.builders import MINUTE, NOW, SHA
from tests.support.daemon import ON_POSTGRES, running_daemon
from tests.support.guilds import guild_of
from tests.support.postgres import Postgres
from tests.support.verbs import restored_mask, typed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses", "restored_logging")]


@ON_POSTGRES
async def test_any_process_of_the_archive_answers_the_command_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none is at the configured port, as with several of one configuration, another one is found."""
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", "1")
    world = uniform_world(1, 1)
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        with restored_mask():
            said = await typed("processes --json")
            assert (said.exit_code, json.loads(said.stdout)["processes"][0]["address"]) == (0, daemon.url), said.output
            said = await typed(f"sync discord-{guild_of(world)} --wait --json")
            assert (said.exit_code, json.loads(said.stdout)["status"]) == (0, "succeeded"), said.output
            assert json.loads((await typed("status --json")).stdout)["daemon"]["url"] == daemon.url
    with restored_mask():
        said = await typed("processes")
        assert (said.exit_code, "127.0.0.1:1" in said.output) == (3, True), said.output


async def test_a_process_of_another_archive_does_not_answer(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be where one of ours was, or where one of ours is on another machine."""
    url = postgres.create_database()
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", url)
    monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", "1")
    db = await open_database(url, hash_choice=SHA)
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db") as other,
    ):
        everywhere = other.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104
        for host, address in ((socket.gethostname(), other.url), ("elsewhere.invalid", everywhere)):
            entered = Process(id=f"{host}:7", host=host, pid=7, version="1.0", address=address, held={}, started_at=NOW)
            await beat(db, entered, lease=MINUTE)
            with restored_mask():
                assert (await typed("processes")).exit_code == 3
    await db.close()
