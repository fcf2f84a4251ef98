"""The daemon as an operator runs it: a process, a port, signals."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from adapters.discord.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
UNHURRIED = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100000",
}

# What is read again after a restart is counted elsewhere.
NO_REPAIRS = {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "0"}


class Process:
    """A daemon and its output."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All it has said."""
        return self._log.read_text()

    @property
    def resident_mib(self) -> float:
        """The memory it holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def url(self) -> str:
        """Where it serves, by its own word."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := re.search(r'"url": "([^"]+)"', self.log)):
                assert self.process.returncode is None, self.log
                await asyncio.sleep(0.05)
        return found[1]

    async def get(self, path: str) -> Any:
        """The JSON of an answer."""
        async with aiohttp.ClientSession() as session, session.get(await self.url() + path) as answer:
            return await answer.json(content_type=None)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON of any answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, await self.url() + path, **options) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def job_ended(self, job_id: str) -> Any:
        """The job, once it has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS * 3):
            while not (job := await self.get(f"/api/jobs/{job_id}"))["finished_at"]:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)
        return job

    async def synced(self) -> None:
        """Wait until every tenant's archive is complete."""
        async with asyncio.timeout(PATIENCE_SECONDS * 3):
            while True:
                tenants = (await self.get("/api/tenants"))["tenants"]
                if tenants and all(tenant["sync_status"] == "ok" for tenant in tenants):
                    return
                await asyncio.sleep(0.1)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something outside; the daemon must go on meanwhile."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                assert self.process.returncode is None, self.log
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 10)


@asynccontextmanager
async def process(
    log: Path, *arguments: str, sim: Simulator | None = None, database_url: str = "", **settings: str
) -> AsyncIterator[Process]:
    """A process that is killed at the end of the block, if it still runs."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
        "PLATFORM_SYNC_HTTP__PORT": "0",
        "PLATFORM_SYNC_LOG__FORMAT": "json",
        **settings,
    }
    if sim is not None:
        environment |= {
            "DISCORD_BOT_TOKEN": environment.get("DISCORD_BOT_TOKEN", sim.world.token),
            "PLATFORM_SYNC_DISCORD__REST_URL": sim.rest_url,
            "PLATFORM_SYNC_DISCORD__GATEWAY_URL": sim.gateway_url,
        }
    if database_url:
        environment["PLATFORM_SYNC_DATABASE__URL"] = database_url
    with log.open("w") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *(arguments or ("run",)),
            cwd=ROOT,
            env=environment,
            stderr=output,
            stdout=output,
        )
    running = Process(started, log)
    try:
        yield running
    finally:
        if started.returncode is None:
            await running.kill()


def json_lines(text: str) -> list[dict[str, Any]]:
    """The log's lines that are JSON, which all but warnings of the interpreter are."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
