"""The daemon as an operator runs it: a process, a port, signals, an exit status."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from adapters.discord.simulator import Simulator
from tests.support.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
FAILED, MISCONFIGURED = 1, 78
UNHURRIED = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "100000",
}
NO_REACTIONS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
NO_REPAIRS = {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "0"}  # what is read again after a restart is counted elsewhere
INTERVAL = timedelta(days=30)  # with the default a test meets its guild's minute of the hour one day
NO_TICK = {"PLATFORM_SYNC_SYNC__INTERVAL": f"{INTERVAL.days} d"}


_URL = re.compile(r'"url": "([^"]+)"')
_LOOK_SECONDS, _MOST_SECONDS = 0.05, 0.5  # an answer costs the daemon something: of a long wait it is asked seldom
_NOT_INHERITED = "COV_", "PYTHONDONTWRITEBYTECODE"  # without bytecode each process would compile the program anew


class Process:
    """A daemon and its output."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log
        self._url = ""

    @property
    def log(self) -> str:
        """Return all it has printed."""
        return self._log.read_text()

    @property
    def resident_mib(self) -> float:
        """Return the memory it holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def url(self) -> str:
        """Return where it serves, as it logs."""
        if not self._url:
            await self.until(lambda: _URL.search(self.log))
            found = _URL.search(self.log)
            assert found is not None
            self._url = found[1]
        return self._url

    async def get(self, path: str) -> Any:
        """Return the JSON of an answer."""
        return (await self.request("GET", path))[1]

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and JSON of any answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, await self.url() + path, **options) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def sync(self, guild_id: int, kind: str = "manual") -> tuple[bool, Any]:
        """Sync a guild now; whether that made a job, and the job as it ended."""
        status, job = await self.request("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": kind})
        assert status in (200, 202), job
        return job["created"], await self.job_ended(job["job_id"])

    async def job_ended(self, job_id: str) -> Any:
        """Return a job once it has ended."""
        return await self._once(f"/api/jobs/{job_id}", lambda job: job["finished_at"])

    async def joined(self) -> None:
        """Wait until there is a tenant."""
        await self._once("/api/tenants", lambda answer: answer["tenants"])

    async def synced(self) -> None:
        """Wait until every tenant's archive is complete."""
        await self._once("/api/tenants", _are_complete)

    async def until(self, is_so: Callable[[], object], *, look_every: float = 0.02) -> None:
        """Wait for something outside, looking every so many seconds; the daemon must go on meanwhile."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert self.process.returncode is None, f"the daemon has ended:\n{self.log}"
            assert time.monotonic() < give_up_at, f"it does not come; the daemon's log:\n{self.log[-5_000:]}"
            await asyncio.sleep(look_every)

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self.process.wait()

    async def ended(self) -> int:
        """Return its exit status once it has ended."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def _once(self, path: str, is_so: Callable[[Any], object]) -> Any:
        """Return what an address answers, as soon as it is as wanted; a sync may go on for long."""
        began = time.monotonic()
        while not is_so(answer := await self.get(path)):
            waited = time.monotonic() - began
            assert waited < 3 * PATIENCE_SECONDS, f"{path} remains {answer}; the log:\n{self.log[-5_000:]}"
            await asyncio.sleep(min(_LOOK_SECONDS + waited / 20, _MOST_SECONDS))
        return answer


def environment_of(sim: Simulator | None, url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that talks to a simulator and keeps an archive."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)},
        **NO_TICK,
        "PYTHONPATH": str(ROOT),
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
    if url:
        environment["PLATFORM_SYNC_DATABASE__URL"] = url
    return environment


@asynccontextmanager
async def process(
    log: Path,
    *arguments: str,
    sim: Simulator | None = None,
    url: str = "",
    settings: Mapping[str, str] = {},
    folder: Path = ROOT,
    given: str | None = None,
    module: str = "bot",
) -> AsyncIterator[Process]:
    """Run a module as a process in a folder, and kill it at the end of the block, if it still runs.

    It may be ``given`` something to read.
    """
    environment = environment_of(sim, url, settings)
    with log.open("w") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *(arguments or ("run",)),
            cwd=folder,
            env=environment,
            stderr=output,
            stdout=output,
            stdin=None if given is None else asyncio.subprocess.PIPE,
        )
    if started.stdin is not None:
        started.stdin.write((given or "").encode())
        started.stdin.close()
    running = Process(started, log)
    try:
        yield running
    finally:
        if started.returncode is None:
            await running.kill()


async def run_to_end(
    log: Path,
    *arguments: str,
    sim: Simulator | None = None,
    url: str = "",
    settings: Mapping[str, str] = {},
    folder: Path = ROOT,
    given: str | None = None,
) -> tuple[int, str]:
    """Return how a process that ends by itself does so, and what it has printed."""
    async with process(log, *arguments, sim=sim, url=url, settings=settings, folder=folder, given=given) as running:
        return await running.ended(), running.log


def sqlite_url(folder: Path) -> str:
    """Return the address of an archive in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'archive.db'}"


def _are_complete(answer: Any) -> bool:
    tenants = answer["tenants"]
    return bool(tenants) and all(tenant["sync_status"] == "ok" for tenant in tenants)


def json_lines(text: str) -> list[dict[str, Any]]:
    """Return the log's lines that are JSON, which all but warnings of the interpreter are."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
