"""The machine that the daemon runs on: it starts, is told to stop, or loses its process between two steps."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from simloom._context import current_host

from adapters.discord.simulator import Simulator
from bot import app as daemon
from bot import cli
from bot.config import load
from bot.metrics import Metrics
from storage.errors import StorageError
from tests.simulation.inline_sqlite import Disk
from tests.simulation.universe import Host, World

PORT = 8080
_RESTART_SECONDS = 5
_STOP_SECONDS = 60  # longer than any safe point takes


class Machine:
    """One archive, and the daemons that follow one another on it."""

    def __init__(self, world: World, sim: Simulator, disk: Disk, archive: Path, settings: Mapping[str, str]) -> None:
        self._world = world
        self._sim = sim
        self._disk = disk
        self._settings = settings
        self._starts = 0
        self.archive = archive
        self.url = f"sqlite+aiosqlite:///{archive}"
        self.host: Host | None = None
        self.process: asyncio.Task[Any] | None = None
        self.exits: list[BaseException | None] = []

    def start(self) -> None:
        """Start a daemon, as the service manager does."""
        self._starts += 1
        self.host = self._world.host(f"daemon-{self._starts}")
        self.process = self.host.spawn(self._run, name=f"process {self._starts}")

    async def _run(self) -> None:
        environment = {
            "DISCORD_BOT_TOKEN": self._sim.world.token,
            "PLATFORM_SYNC_DATABASE__URL": self.url,
            "PLATFORM_SYNC_HTTP__PORT": str(PORT),
            "PLATFORM_SYNC_DISCORD__REST_URL": self._sim.rest_url,
            "PLATFORM_SYNC_DISCORD__GATEWAY_URL": self._sim.gateway_url,
            **self._settings,
        }
        config = load(None, environment)
        while True:
            hasher, metrics = config.hasher, Metrics()
            try:
                return await daemon.run(config, hasher, cli._adapters(config, hasher, metrics), metrics=metrics)
            except StorageError as e:
                if e.needs_a_person:
                    raise
            await asyncio.sleep(_RESTART_SECONDS)  # it ends with 1, and the service manager starts it again

    @property
    def error(self) -> BaseException | None:
        """Why the process has ended by itself; None where it has not."""
        if self.process is None or not self.process.done() or self.process.cancelled():
            return None
        return self.process.exception()

    def kill(self) -> None:
        """End the process as SIGKILL does: nothing of it runs on, its files and connections are gone."""
        assert self.host is not None
        for task in asyncio.all_tasks():  # aiohttp makes some by itself, of which the host does not know
            if task.get_context().get(current_host) is self.host:  # type: ignore[attr-defined]  # since Python 3.12
                self.host._register(task)
        self.host.crash()
        self._disk.cut(self.host)
        for descriptor in self._locks():
            empty = os.open(os.devnull, os.O_RDONLY)
            os.dup2(empty, descriptor)  # the number stays taken, or what revives at the end would close another's
            os.close(empty)
        self.process = None

    async def stop(self) -> None:
        """Send SIGTERM, and wait for the end."""
        assert self.host is not None
        assert self.process is not None
        handlers = self.host.__dict__.get("signals", {})
        if signal.SIGTERM in handlers:
            handlers[signal.SIGTERM]()
        else:
            self.process.cancel()
        _, going_on = await asyncio.wait([self.process], timeout=_STOP_SECONDS)
        assert not going_on, f"SIGTERM was not obeyed within {_STOP_SECONDS} s"

    def leftovers(self) -> list[str]:
        """Return what a process that has ended still holds."""
        assert self.host is not None
        tasks = [t.get_name() for t in self.host._live_tasks()]
        open_files = ["a lock"] * len(self._locks()) + ["a connection"] * self._disk.open_of(self.host)
        sockets = [t for t in self._world.net._live_transports.values() if t.owner is self.host and not t.is_closing()]
        servers = [s for s in self._world.net._listeners.values() if s.owner is self.host]
        return tasks + open_files + ["a socket"] * len(sockets) + ["a server"] * len(servers)

    def _locks(self) -> list[int]:
        found = []
        for name in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
            if target == f"{self.archive}.lock":
                found.append(int(name))
        return sorted(found)

    # What an operator sees

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and JSON of any answer; status 0 where there is none."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
                session.request(method, f"http://127.0.0.1:{PORT}{path}", **options) as answer,
            ):
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            return 0, None
