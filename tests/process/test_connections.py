"""Half-open connections use up neither the process's descriptors nor its log, and do not hold up its end."""

import resource
from pathlib import Path

import pytest
from yarl import URL

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.guilds import guild_of
from tests.support.process import UNHURRIED, process, sqlite_url
from tests.support.silent import silent

pytestmark = [pytest.mark.process, pytest.mark.slow]


async def test_three_hundred_half_open_connections_with_few_descriptors(tmp_path: Path) -> None:
    world, limits = uniform_world(2, 30), resource.getrlimit(resource.RLIMIT_NOFILE)
    async with Simulator(world) as sim:
        resource.setrlimit(resource.RLIMIT_NOFILE, (160, limits[1]))  # what the daemon begins with
        try:
            running = process(tmp_path / "log", sim=sim, url=sqlite_url(tmp_path), settings=UNHURRIED)
            daemon = await running.__aenter__()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        try:
            await daemon.synced()
            async with silent(URL(await daemon.url()).port or 0, 300):
                for _ in range(5):
                    assert (await daemon.get("/healthz"))["status"] == "ok"
                assert (await daemon.sync(guild_of(world)))[0]
                assert await daemon.stop() == 0
            assert daemon.log.count("connection to the API") == 1
        finally:
            await running.__aexit__(None, None, None)
