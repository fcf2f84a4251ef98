"""What the API shows of a job that runs: its status, how far it is, and when it is expected to end."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from tests.support.daemon import running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
SETTINGS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}


@pytest.fixture
async def seen(tmp_path: Path) -> dict[str, Any]:
    """What the API shows of a job that hangs in the middle of its channel, once its progress was written."""
    world = uniform_world(1, 2_000)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hang", route=MESSAGES, after=15, times=None))
        async with running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db", SETTINGS) as daemon:
            found: dict[str, Any] = {"all": []}
            for _ in range(40):
                found["all"] = (await daemon.get("/api/jobs"))["jobs"]
                if found["all"] and found["all"][0]["progress"]["messages"]:
                    break
                await asyncio.sleep(0.2)
            job_id = found["all"][0]["job_id"]
            found["job"] = await daemon.get(f"/api/jobs/{job_id}")
            found["running"] = (await daemon.get("/api/jobs?status=running"))["jobs"]
            found["succeeded"] = (await daemon.get("/api/jobs?status=succeeded"))["jobs"]
            found["newest"] = (await daemon.get(f"/api/tenants/discord-{guild_id}/sync"))["job"]
    return found


async def test_every_endpoint_shows_the_running_job(seen: dict[str, Any]) -> None:
    job = seen["job"]
    assert (job["kind"], job["status"], job["attempt"]) == ("initial", "running", 1)
    assert job["started_at"] is not None
    assert job["finished_at"] is None
    assert [one["job_id"] for one in seen["running"]] == [job["job_id"]]
    assert seen["succeeded"] == []
    assert seen["newest"] is not None
    assert (seen["newest"]["job_id"], seen["newest"]["status"]) == (job["job_id"], "running")


async def test_a_running_job_shows_its_progress_and_its_expected_end(seen: dict[str, Any]) -> None:
    job = seen["job"]
    progress = {name: job["progress"][name] for name in ("channels_total", "channels_done", "messages")}
    assert progress == {"channels_total": 1, "channels_done": 0, "messages": 1_000}
    assert job["progress"]["fraction"] is not None
    assert 0 < job["progress"]["fraction"] < 1
    assert job["estimated_completion_at"] is not None
    assert datetime.fromisoformat(job["estimated_completion_at"]) > datetime.fromisoformat(job["started_at"])
    assert job["metrics"]["requests"] >= 15
    assert job["error"] is None
