"""The whole daemon in the test's own process, against a simulator; used over HTTP, as an operator would."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp

from adapters.discord.simulator import Simulator
from adapters.privacy import UserHasher
from bot import app as daemon
from bot.config import load
from bot.metrics import Metrics
from tests.service.conftest import make_adapter

PATIENCE_SECONDS = 60


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
        """The JSON of an answer that has to be a good one."""
        async with self._session.get(self.url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON of any answer."""
        async with self._session.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def job_ended(self, job_id: str) -> Any:
        """The job, once it has ended."""
        return await self.until(lambda: self.get(f"/api/jobs/{job_id}"), lambda job: job["finished_at"] is not None)

    async def idle(self, tenants: int = 1) -> list[Any]:
        """The newest job of every tenant, once there are so many and all have ended."""

        async def newest() -> list[Any]:
            found = (await self.get("/api/tenants"))["tenants"]
            return [(await self.get(f"/api/tenants/{tenant['id']}/sync"))["job"] for tenant in found]

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

    async def until(self, ask: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
        """What ``ask`` gives, once it is as wanted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if self.running.done():
                    self.running.result()
                    raise AssertionError("the daemon has ended")
                if is_so(answer := await ask()):
                    return answer
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running_daemon(
    sim: Simulator,
    database_url: str,
    *,
    clock: Callable[[], datetime] = daemon.utc_now,
    key: bytes | None = None,
    pace: dict[str, float] | None = None,
    **settings: str,
) -> AsyncIterator[Daemon]:
    """A daemon that serves until the block ends, and has then been stopped as by SIGTERM."""
    environment = {"PLATFORM_SYNC_DATABASE__URL": database_url, "PLATFORM_SYNC_HTTP__PORT": "0", **settings}
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hasher = UserHasher(key)
    metrics = Metrics()
    adapters = {"discord": make_adapter(sim, hasher=hasher, observer=metrics, **(pace or {}))}
    running = asyncio.create_task(
        daemon.run(
            load(None, environment), hasher, adapters, metrics=metrics, on_serving=serving.set_result, clock=clock
        )
    )
    await asyncio.wait({running, serving}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    try:
        async with aiohttp.ClientSession() as session:
            yield Daemon(session, await serving, running, metrics)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
