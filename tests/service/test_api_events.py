"""What programs follow: jobs as they go on, as server-sent events, and the gaps of a tenant."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import Daemon, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TOKEN = "a-token-of-a-test"


async def jobs_in(stream: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """The jobs of a stream, as they come."""
    assert (stream.status, stream.content_type) == (200, "text/event-stream")
    with suppress(asyncio.IncompleteReadError):
        while True:
            kind, *data = (await stream.content.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            if kind.startswith(":"):  # a comment keeps the connection
                continue
            assert kind == "event: job"
            yield json.loads("".join(line.removeprefix("data: ") for line in data))


async def until_ended(stream: aiohttp.ClientResponse, job_id: str | None = None) -> list[Any]:
    """The jobs that a stream shows, up to the first one that has ended, or up to the end of this one."""
    seen = []
    async with asyncio.timeout(60):
        async for job in jobs_in(stream):
            seen.append(job)
            if job["finished_at"] and job_id in (None, job["job_id"]):
                return seen
    raise AssertionError("the stream has ended")


async def test_a_job_is_followed_from_its_first_page_to_its_end(tmp_path: Path) -> None:
    url, pace = f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"requests_per_second": 10.0}
    async with Simulator(uniform_world(2, 3_000)) as sim, aiohttp.ClientSession() as session:
        async with running_daemon(sim, url, pace=pace, PLATFORM_SYNC_SYNC__REACTION_USERS="false") as daemon:
            await daemon.until(lambda: daemon.get("/api/queue"), lambda queue: queue["running"])
            async with session.get(f"{daemon.url}/api/events") as stream:
                seen = await until_ended(stream)
                assert len({job["job_id"] for job in seen}) == 1
                counts = [job["metrics"]["messages"] for job in seen]
                assert counts == sorted(counts)
                assert len(set(counts)) > 2
                assert (seen[0]["status"], seen[-1]["status"], counts[-1]) == ("running", "succeeded", 6_000)
                assert seen[-1] == await daemon.get(f"/api/jobs/{seen[-1]['job_id']}")
                # One that begins and ends between two looks is told of as well.
                _, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_of(sim.world)}/sync")
                assert (await until_ended(stream))[-1]["job_id"] == job["job_id"]
            unended = await session.get(f"{daemon.url}/api/events")
        await unended.content.read()  # it ends as it should, and is not cut


async def test_one_tenant_is_followed_by_whoever_has_the_token(tmp_path: Path) -> None:
    world = uniform_world(1, 1, guilds=2)
    one, other = world.guilds
    settings = {"PLATFORM_SYNC_API_TOKEN": TOKEN}
    async with Simulator(world) as sim, running_daemon(sim, f"sqlite:///{tmp_path}/archive.db", settings) as daemon:
        events = f"{daemon.url}/api/events"
        async with aiohttp.ClientSession() as stranger, stranger.get(events) as refused:
            assert refused.status == 401
        daemon._session.headers["Authorization"] = f"Bearer {TOKEN}"
        await daemon.idle(2)
        status, problem = await daemon.ask("GET", "/api/events?tenant_id=discord-7")
        assert (status, problem["code"]) == (404, "no_such_tenant")
        status, problem = await daemon.ask("GET", "/api/events?guild=7")
        assert (status, "tenant_id" in str(problem)) == (400, True)
        async with daemon._session.get(f"{events}?tenant_id=discord-{one}") as stream:
            await asked_for(daemon, other)
            job = await asked_for(daemon, one)
            assert {each["tenant_id"] for each in await until_ended(stream, job)} == {f"discord-{one}"}


async def asked_for(daemon: Daemon, guild_id: int) -> str:
    """Request a sync; return its job once it has ended."""
    _, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
    await daemon.job_ended(job["job_id"])
    return str(job["job_id"])


async def test_gaps_are_listed_until_and_after_they_are_repaired(database_url: str) -> None:
    world = uniform_world(1, 5)
    path = f"/api/tenants/discord-{guild_of(world)}/gaps"
    async with Simulator(world) as sim:
        for expected in range(3):
            async with running_daemon(sim, database_url) as daemon:
                await daemon.idle()
                if expected:
                    count = expected
                    listed = await daemon.until(lambda: daemon.get(path), lambda now: len(now["gaps"]) == count)  # noqa: B023
                    waiting = listed["gaps"][0]
                    assert (waiting["reason"], waiting["state"]) == ("process_down", "waiting")
                    assert waiting["began_at"] <= waiting["ended_at"]
                    assert waiting["planned_at"] is waiting["repaired_at"] is None
                await daemon.sync(guild_of(world))
                listed = await daemon.get(path)
                assert [gap["state"] for gap in listed["gaps"]] == ["repaired"] * expected
                assert listed["next_cursor"] is None
        async with running_daemon(sim, database_url) as daemon:
            await daemon.until(lambda: daemon.get(path), lambda now: len(now["gaps"]) == 3)
            pages, cursor = [], ""
            for _ in range(4):
                page = await daemon.get(f"{path}?limit=1{cursor}")
                pages += page["gaps"]
                if page["next_cursor"] is None:
                    break
                cursor = f"&cursor={page['next_cursor']}"
            assert [gap["state"] for gap in pages] == ["waiting", "repaired", "repaired"]
            # A gap begins where everything is surely written, which may be before the one that was recorded last.
            assert [gap["ended_at"] for gap in pages] == sorted((gap["ended_at"] for gap in pages), reverse=True)
            assert (await daemon.ask("GET", "/api/tenants/discord-7/gaps"))[0] == 404
            assert (await daemon.ask("GET", f"{path}?cursor=no"))[0] == 400
