"""A requested sync, and the first one of a new tenant, is due and begins at once: the worker is woken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.events import EventHandler, TenantsReady
from adapters.parts import UNDIVIDED
from adapters.words import NO_WORDS, PlatformWords
from tests.support.daemon import Daemon, running_daemon
from tests.support.delivering import delivering

pytestmark = pytest.mark.slow

LOOK_SECONDS = 1.0  # how often the worker looks at the queue by itself
NO_REACTIONS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}


@pytest.mark.usefixtures("restored_addresses")
async def test_a_requested_sync_is_due_at_once(database_url: str) -> None:
    world = uniform_world(1, 10)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, database_url, NO_REACTIONS) as daemon:
        (first,) = await daemon.idle()
        status, answer = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        assert (status, answer["kind"], answer["created"]) == (202, "manual", True)
        assert answer["run_after"] == answer["queued_at"], "it is due later than it was queued"
        stored = [job["job_id"] for job in (await daemon.get("/api/jobs"))["jobs"]]
        assert answer["job_id"] != first["job_id"], "the answer names an older job"
        assert answer["job_id"] in stored, "the answer names no job"
        assert (await daemon.get(f"/api/jobs/{answer['job_id']}"))["kind"] == "manual"
        assert (await daemon.job_ended(answer["job_id"]))["status"] == "succeeded"


@pytest.mark.usefixtures("restored_addresses")
async def test_the_first_sync_of_a_guild_that_the_bot_joins_is_due_at_once(database_url: str) -> None:
    world = uniform_world(1, 10, guilds=2)
    async with Simulator(world) as sim:
        guild = sim.change.leave_guild(next(iter(world.guilds)), silent=True)
        async with running_daemon(sim, database_url, NO_REACTIONS) as daemon:
            await daemon.idle()
            sim.change.join_guild(guild)
            job = await first_job(daemon, guild.id)
    assert job is not None, "a guild that the bot joined was given no sync"
    assert (job["kind"], job["status"]) == ("initial", "succeeded")
    assert job["run_after"] == job["queued_at"], "it is due later than the tenant came"


async def first_job(daemon: Daemon, guild_id: int) -> Any:
    """Return the job of a guild, once it has ended; None where there is none after some seconds."""
    job = None
    for _ in range(100):
        status, answer = await daemon.ask("GET", f"/api/tenants/discord-{guild_id}/sync")
        job = answer["job"] if status == 200 else None
        if job and job["finished_at"]:
            return job
        await asyncio.sleep(0.1)
    return job


class QuietPlatform:
    """A platform on which nothing ever happens. It notes when the worker looks whether there is something to do."""

    name: ClassVar[str] = "quiet"
    id_pattern: ClassVar[str] = "[a-z]+"
    user_id_pattern: ClassVar[str] = "[a-z]+"
    words: ClassVar[PlatformWords] = NO_WORDS
    shares_parts: ClassVar[bool] = False
    division = UNDIVIDED
    held = ready_parts = frozenset(UNDIVIDED.parts)
    invite_url = None

    def __init__(self) -> None:
        self.looks: list[float] = []

    async def run(self, on_event: EventHandler, *_: object) -> None:
        await on_event(TenantsReady(()))
        await asyncio.Event().wait()

    @property
    def unready_reason(self) -> None:
        self.looks.append(monotonic())

    def received_until(self, _: str) -> datetime:
        return datetime.now(UTC)

    def is_member(self, _: str) -> bool:
        return True

    async def sync(self, _: str, __: object, ___: object) -> None:
        """Find nothing."""

    async def a_look(self) -> int:
        """Wait until the worker has looked in vain, twice in a row, and return how often it has looked so far."""
        for _ in range(2_000):
            count = len(self.looks)
            await asyncio.sleep(0.01)
            if len(self.looks) == count + 1 and count and self.looks[-1] - self.looks[-2] >= LOOK_SECONDS:
                return count + 1
        raise AssertionError("the worker never looks in vain")

    async def seconds_to_next_look(self, act: Callable[[], Awaitable[None]]) -> float:
        """Do something just after a look, and return how long after that look the next one was."""
        count = await self.a_look()
        await act()
        for _ in range(1_000):
            if len(self.looks) > count:
                break
            await asyncio.sleep(0.01)
        return self.looks[count] - self.looks[count - 1]


@asynccontextmanager
async def quiet_daemon(tmp_path: Path) -> AsyncIterator[tuple[QuietPlatform, Daemon]]:
    platform = QuietPlatform()
    adapters: Any = {platform.name: platform}
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", adapters) as daemon:
        yield platform, daemon


async def test_a_request_for_a_sync_wakes_the_worker(tmp_path: Path) -> None:
    async with quiet_daemon(tmp_path) as (platform, daemon):

        async def request() -> None:
            status, _ = await daemon.ask("POST", "/api/tenants/quiet-a/sync")
            assert status == 202

        await daemon.ask("POST", "/api/tenants", json={"platform": "quiet", "platform_id": "a"})
        waits = []
        for _ in range(3):
            await daemon.idle()
            waits.append(await platform.seconds_to_next_look(request))
    assert min(waits) < 0.95 * LOOK_SECONDS, "the worker was not woken: it looked when it would have looked anyway"


async def test_a_new_tenant_wakes_the_worker(tmp_path: Path) -> None:
    async with quiet_daemon(tmp_path) as (platform, daemon):
        names = iter("abc")

        async def create() -> None:
            new = {"platform": "quiet", "platform_id": next(names)}
            status, tenant = await daemon.ask("POST", "/api/tenants", json=new)
            assert (status, tenant["job"]["kind"]) == (201, "initial")

        waits = [await platform.seconds_to_next_look(create) for _ in range(3)]
    assert min(waits) < 0.95 * LOOK_SECONDS, "the worker was not woken: it looked when it would have looked anyway"
