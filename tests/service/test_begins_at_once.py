"""A sync that is asked for, and the first one of a new tenant, is due and begins at once: the worker is woken."""

import asyncio
from datetime import datetime
from statistics import median
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.worlds import uniform_world
from bot.app import utc_now
from tests.support.daemon import Daemon, running_daemon

pytestmark = pytest.mark.usefixtures("restored_addresses")

LOOK_SECONDS = 1.0  # how often the worker looks at the queue by itself
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}


async def just_after_a_look(job: Any) -> None:
    """Wait until the worker, which looked at the queue when it began this job, has just looked again."""
    passed = (utc_now() - datetime.fromisoformat(job["started_at"])).total_seconds()
    await asyncio.sleep((0.15 - passed) % LOOK_SECONDS)


def seconds_waited(job: Any) -> float:
    return (datetime.fromisoformat(job["started_at"]) - datetime.fromisoformat(job["queued_at"])).total_seconds()


async def test_a_sync_that_is_asked_for_begins_at_once(database_url: str) -> None:
    world = uniform_world(1, 10)
    (guild_id,) = world.guilds
    waits = []
    async with Simulator(world) as sim, running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
        (job,) = await daemon.idle()
        for _ in range(3):
            await just_after_a_look(job)
            status, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
            assert (status, job["kind"], job["created"]) == (202, "manual", True)
            assert job["run_after"] == job["queued_at"], "it is due later than it was asked for"
            job = await daemon.job_ended(job["job_id"])
            waits.append(seconds_waited(job))
    assert median(waits) < LOOK_SECONDS / 2, "the worker was not woken"


async def test_the_answer_names_the_job_that_was_made(database_url: str) -> None:
    world = uniform_world(1, 10)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
        (first,) = await daemon.idle()
        _, answer = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        stored = [job["job_id"] for job in (await daemon.get("/api/jobs"))["jobs"]]
        assert answer["job_id"] != first["job_id"], "it names an older job"
        assert answer["job_id"] in stored, "it names no job"
        assert (await daemon.get(f"/api/jobs/{answer['job_id']}"))["kind"] == "manual"


async def test_a_new_tenant_is_synced_at_once(database_url: str) -> None:
    world = uniform_world(1, 10, guilds=4)
    waits = []
    async with Simulator(world) as sim:
        guilds = [sim.change.leave_guild(guild_id, silent=True) for guild_id in list(world.guilds)[1:]]
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            (job,) = await daemon.idle()
            for guild in guilds:
                await just_after_a_look(job)
                sim.change.join_guild(guild)
                job = await first_job(daemon, guild.id)
                assert job is not None, "a guild that the bot joined was given no sync"
                assert job["kind"] == "initial"
                assert job["run_after"] == job["queued_at"], "it is due later than the tenant came"
                waits.append(seconds_waited(job))
    assert median(waits) < LOOK_SECONDS / 2, "the worker was not woken"


async def first_job(daemon: Daemon, guild_id: int) -> Any:
    """The job of a guild, once it has ended; None where there is none after some seconds."""
    job = None
    for _ in range(100):
        status, answer = await daemon.ask("GET", f"/api/tenants/discord-{guild_id}/sync")
        job = answer["job"] if status == 200 else None
        if job and job["finished_at"]:
            return job
        await asyncio.sleep(0.1)
    return job
