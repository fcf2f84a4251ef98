"""The whole daemon in the test's own process, against a simulator; called over HTTP, as by an operator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from adapters.discord.simulator import Simulator, World
from adapters.privacy import UserHasher
from bot import app as daemon
from bot.config import load
from bot.metrics import Metrics
from tests.support.adapter import make_adapter
from tests.support.process import NO_TICK

# Looks, not seconds: the daemon shares the test's loop, and on a busy machine both are slow.
_MOST_LOOKS = 1_500
_LOOK_SECONDS = 0.05
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""What takes long, and is about the service more than about its statements, runs on one database."""
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
HASTY = {"PLATFORM_SYNC_SYNC__EVENT_PATIENCE": "0.1 s"}
"""For changes of which no event comes."""
VERIFYING = {**HASTY, "PLATFORM_SYNC_SYNC__VERIFY_INTERVAL": "0 s"}
"""For those of threads, too: everything is listed at every sync."""


class Clock:
    """The real time, moved by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return daemon.utc_now() + self.ahead


class Daemon:
    """A running daemon's API."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        running: "asyncio.Task[None]",
        metrics: Metrics | None = None,
    ) -> None:
        self._session = session
        self.url = url
        self.running = running
        self.metrics = metrics or Metrics()

    async def get(self, path: str) -> Any:
        """Return the JSON of an answer that has to be a good one."""
        async with self._session.get(self.url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and JSON of any answer."""
        async with self._session.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def job_ended(self, job_id: str) -> Any:
        """Return a job once it has ended."""
        return await self.until(lambda: self.get(f"/api/jobs/{job_id}"), lambda job: job["finished_at"] is not None)

    async def idle(self, tenants: int = 1) -> list[Any]:
        """Return the newest job of every tenant, once there are so many and all have ended."""

        async def newest() -> list[Any]:
            jobs: list[Any] = []
            for tenant in (await self.get("/api/tenants"))["tenants"]:
                jobs.append((await self.get(f"/api/tenants/{tenant['id']}/sync"))["job"])
                if not (jobs[-1] and jobs[-1]["finished_at"]):
                    break
            return jobs

        return list(
            await self.until(
                newest, lambda jobs: len(jobs) >= tenants and all(job and job["finished_at"] for job in jobs)
            )
        )

    async def sync(self, guild_id: int) -> Any:
        """Sync a guild now, and return the job as it ended."""
        status, job = await self.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        assert status == 202, job
        return await self.job_ended(job["job_id"])

    async def until(self, look: Callable[[], Awaitable[Any]], is_so: Callable[[Any], object]) -> Any:
        """Return what ``look`` gives, once it is as wanted."""
        for _ in range(_MOST_LOOKS):
            if self.running.done():
                self.running.result()
                raise AssertionError("the daemon has ended")
            if is_so(found := await look()):
                return found
            await asyncio.sleep(_LOOK_SECONDS)
        raise AssertionError(f"it does not come; there is still {found}")

    async def sees(self, is_so: Callable[[], object]) -> None:
        """Wait for something outside the daemon, which goes on meanwhile."""

        async def look() -> object:
            return is_so()

        await self.until(look, bool)


def end_of(job: Any) -> tuple[str, str | None]:
    """How a job ended: its status, and the code of its error."""
    return job["status"], (job["error"] or {}).get("code")


def codes_of(job: Any) -> tuple[str, list[str]]:
    """How a job ended: its status, and the codes of the channels that it gave up."""
    return job["status"], [channel["code"] for channel in (job["error"] or {}).get("channels", ())]


@asynccontextmanager
async def running_daemon(
    sim: Simulator,
    database_url: str,
    settings: Mapping[str, str] = {},
    *,
    clock: Callable[[], datetime] = daemon.utc_now,
    key: bytes | None = None,
    pace: Mapping[str, Any] = {},
    **more_settings: str,
) -> AsyncIterator[Daemon]:
    """Run a daemon until the block ends, and stop it then as SIGTERM would."""
    environment = {
        "PLATFORM_SYNC_DATABASE__URL": database_url,
        "PLATFORM_SYNC_HTTP__PORT": "0",
        **NO_TICK,
        **settings,
        **more_settings,
    }
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hasher = UserHasher(key)
    metrics = Metrics()
    adapters = {"discord": make_adapter(sim, hasher=hasher, observer=metrics, **pace)}
    running = asyncio.create_task(
        daemon.run(
            load(None, environment), hasher, adapters, metrics=metrics, on_serving=serving.set_result, clock=clock
        )
    )
    await asyncio.wait([running, serving], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    try:
        async with aiohttp.ClientSession() as session:
            yield Daemon(session, await serving, running, metrics)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def archiving(
    world: World, database_url: str, settings: Mapping[str, str] = {}, **more_settings: str
) -> AsyncIterator[tuple[Simulator, Daemon]]:
    """Run a simulator of a world, and a daemon that has archived it once."""
    async with Simulator(world) as sim, running_daemon(sim, database_url, {**settings, **more_settings}) as daemon:
        await daemon.idle(len(world.guilds))
        yield sim, daemon


async def first_syncs(daemon: Daemon, count: int) -> dict[str, str]:
    """How each tenant's newest sync ended, once there are so many, or after some seconds those that there are."""
    ends: dict[str, str] = {}
    for _ in range(200):
        jobs = (await daemon.get("/api/jobs"))["jobs"]
        ends = {job["tenant_id"]: job["status"] for job in reversed(jobs) if job["finished_at"]}
        if len(ends) >= count:
            break
        await asyncio.sleep(0.1)
    return ends
