"""The first minutes with it: the demo and its own archive, and output that somebody has enough of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.archive import count_messages
from tests.support.process import FAILED, MISCONFIGURED, ROOT, process, run_to_end, sqlite_url

HOURLY = {"PLATFORM_SYNC_SYNC__INTERVAL": "1 h"}  # the default, which the demo shortens

pytestmark = [pytest.mark.slow, pytest.mark.process]


async def test_the_demo_keeps_to_its_own_archive_and_goes_on_with_it(tmp_path: Path) -> None:
    mine, demos = sqlite_url(tmp_path), f"sqlite+aiosqlite:///{tmp_path}/data/demo.db"
    async with process(tmp_path / "log", "demo", url=mine, settings=HOURLY, folder=tmp_path) as demo:
        url = await demo.url()
        await demo.until(lambda: count_messages(demos) > 0, look_every=0.1)
        (tenant,) = (await demo.get("/api/tenants"))["tenants"]
        assert tenant["name"] == "The Village Garden"
        status, said = await run_to_end(tmp_path / "second", "demo", "--fresh", url=mine, folder=tmp_path)
        assert (status, f"process {demo.process.pid}, {url}" in said) == (FAILED, True), said
        assert (await demo.get("/healthz"))["status"] == "ok"
        await demo.until(lambda: count_messages(demos) >= 1_000, look_every=0.1)
        await demo.kill()
    before = count_messages(demos)
    async with process(tmp_path / "log", "demo", url=mine, settings=HOURLY, folder=tmp_path) as demo:
        await demo.url()
        assert "goes on where it ended" in demo.log
        await demo.until(lambda: count_messages(demos) > before, look_every=0.1)
        assert await demo.stop() == 0
        assert "Traceback" not in demo.log
    assert not (tmp_path / "archive.db").exists()


async def test_without_a_token_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    status, said = await run_to_end(
        tmp_path / "log", url=sqlite_url(tmp_path), settings={"DISCORD_BOT_TOKEN": " "}, folder=tmp_path
    )
    assert (status, "DISCORD_BOT_TOKEN is not set" in said) == (MISCONFIGURED, True), said
    assert os.listdir(tmp_path) == ["log"]


@pytest.mark.parametrize("verb", ["check", "migrate"])
def test_a_reader_that_has_enough_is_no_error(verb: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    environment = os.environ | {"PLATFORM_SYNC_DATABASE__URL": sqlite_url(tmp_path), "DISCORD_BOT_TOKEN": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", verb], cwd=ROOT, env=environment, stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")
