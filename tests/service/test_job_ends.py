"""A channel or a job that fails: where it is said, what goes on, and what makes up for it."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from bot.app import utc_now
from tests.support.archive import count_messages
from tests.support.daemon import Clock, Daemon, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
LISTING = "/guilds/{guild_id}/channels"
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false", "PLATFORM_SYNC_SYNC__EVENT_PATIENCE": "0.1 s"}


class Failing:
    """A guild whose three channels have news, of which one cannot be read: its sync, and what is said of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
        self.world = uniform_world(3, 20, now=utc_now())  # young enough to be repaired
        ((self.guild_id, self.guild),) = self.world.guilds.items()
        self.broken = next(iter(self.guild.channels))
        self.requests = 0
        self.job: Any = None
        self.rows: dict[str, Any] = {}
        self.tenant: Any = None

    async def sync(self, sim: Simulator, daemon: Daemon) -> None:
        await daemon.idle()
        for channel in self.guild.channels:
            sim.change.post(channel, "news", silent=True)
        sim.faults.add(Fault("status", status=500, route=MESSAGES, channel_id=self.broken, times=None))
        sim.requests.clear()
        self.job = await daemon.sync(self.guild_id)
        self.requests = sim.requests.count(MESSAGES, channel_id=self.broken)
        found = (await daemon.get(f"/api/tenants/discord-{self.guild_id}/channels"))["channels"]
        self.rows = {row["platform_id"]: row for row in found}
        self.tenant = await daemon.get(f"/api/tenants/discord-{self.guild_id}")
        sim.faults.clear()


@pytest.fixture
def failing(tmp_path: Path) -> Failing:
    return Failing(tmp_path)


async def synced(failing: Failing) -> Failing:
    async with Simulator(failing.world) as sim, running_daemon(sim, failing.url, ONLY_MESSAGES) as daemon:
        await failing.sync(sim, daemon)
    return failing


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """The log lines of an event, as their fields."""
    return [record.__dict__ for record in caplog.records if record.getMessage() == event]


async def test_a_channel_that_gave_up_is_in_the_log(failing: Failing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await synced(failing)
    said = [(line["levelname"], line.get("channel"), line.get("code")) for line in lines(caplog, "channel gave up")]
    assert said == [("WARNING", str(failing.broken), "call_failed")] * 2, "when it is read, and when it is repaired"
    assert "500" in str(lines(caplog, "channel gave up")[0].get("error"))


async def test_a_channel_that_gave_up_has_the_error_in_its_progress(failing: Failing) -> None:
    await synced(failing)
    errors = {channel: row["last_error"] for channel, row in failing.rows.items() if row["last_error"]}
    assert errors.keys() == {str(failing.broken)}
    error = errors[str(failing.broken)]
    assert (error["code"], error["attempts"]) == ("call_failed", 4)
    assert "500" in error["message"]
    assert error["at"] is not None
    assert utc_now() - datetime.fromisoformat(error["at"]) < timedelta(minutes=1)
    assert failing.rows[str(failing.broken)]["state"] == "failed"


async def test_a_channel_that_gave_up_is_left_and_holds_up_no_other(failing: Failing) -> None:
    await synced(failing)
    assert failing.requests == 8, "a call and its three retries: when it is read, and when what was missed is repaired"
    assert failing.job["status"] == "partial"
    counts = {name: failing.job["progress"][name] for name in ("channels_done", "channels_failed", "messages")}
    assert counts == {"channels_done": 2, "channels_failed": 1, "messages": 2}, "another channel was held up"
    assert failing.tenant["sync_status"] == "partial"


async def test_the_api_says_in_detail_why_a_sync_failed(failing: Failing) -> None:
    await synced(failing)
    error = failing.job["error"]
    assert error is not None
    assert (error["code"], bool(error["message"]), bool(error["remedy"])) == ("channels_failed", True, True)
    assert [(one["channel_id"], one["code"]) for one in error["channels"]] == [(str(failing.broken), "call_failed")]
    assert "500" in error["channels"][0]["message"]
    assert error["channels"][0]["remedy"]


async def test_the_next_sync_makes_up_for_what_failed(failing: Failing) -> None:
    async with Simulator(failing.world) as sim, running_daemon(sim, failing.url, ONLY_MESSAGES) as daemon:
        await failing.sync(sim, daemon)
        tenant = await daemon.get(f"/api/tenants/discord-{failing.guild_id}")
        assert tenant["next_sync_at"] is not None, "nothing is scheduled any more"
        again = await daemon.sync(failing.guild_id)
        assert (again["status"], again["metrics"]["messages"]) == ("succeeded", 1)
        coverage = (await daemon.get(f"/api/tenants/discord-{failing.guild_id}/channels"))["channels"]
        assert [row["last_error"] for row in coverage] == [None] * 3
    assert count_messages(failing.url) == 3 * 21


async def test_a_sync_that_could_do_nothing_is_failed_and_logged(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    async with Simulator(failing.world) as sim, running_daemon(sim, failing.url, ONLY_MESSAGES) as daemon:
        await daemon.idle()
        caplog.set_level("INFO")
        sim.faults.add(Fault("status", status=503, route=LISTING, times=None))
        job = await daemon.sync(failing.guild_id)
        tenant = await daemon.get(f"/api/tenants/discord-{failing.guild_id}")
    assert (job["status"], tenant["sync_status"]) == ("failed", "failed")
    assert job["error"]["code"] == "call_failed"
    assert "503" in job["error"]["message"]
    ended = lines(caplog, "sync ended")
    assert len(ended) == 1, "the end of one sync is one line"
    (line,) = ended
    assert (line["levelname"], line.get("job"), line.get("status")) == ("WARNING", job["job_id"], "failed")
    assert "503" in str(line.get("error"))


async def test_the_end_of_a_sync_is_logged_with_its_duration_and_counts(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with Simulator(failing.world) as sim, running_daemon(sim, failing.url, ONLY_MESSAGES) as daemon:
        (job,) = await daemon.idle()
    ended = lines(caplog, "sync ended")
    assert len(ended) == 1
    assert {name: ended[0].get(name) for name in ("job", "status", "messages", "channels_done")} == {
        "job": job["job_id"],
        "status": "succeeded",
        "messages": 60,
        "channels_done": 3,
    }
    between = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
    assert ended[0].get("duration_seconds") == pytest.approx(between.total_seconds(), abs=0.5)
    assert ended[0]["duration_seconds"] > 0


async def test_a_first_sync_that_fails_or_is_partial_is_tried_again_after_1_2_and_4_seconds(failing: Failing) -> None:
    clock = Clock()
    async with Simulator(failing.world) as sim:
        sim.faults.add(Fault("status", status=500, route=MESSAGES, channel_id=failing.broken, times=None))
        sim.faults.add(Fault("status", status=500, route=LISTING, after=1, times=4))  # the second one's attempts
        async with running_daemon(sim, failing.url, ONLY_MESSAGES, clock=clock) as daemon:
            found: list[Any] = []
            waiting: list[Any] = []
            for count in range(1, 5):
                found = await ended_jobs(daemon, count)
                waiting = await waiting_jobs(daemon, seconds=10 if count < 4 else 0.5)
                clock.ahead += timedelta(seconds=5)  # what waits is due
    assert [(job["kind"], job["status"]) for job in found] == [
        ("initial", "partial"),
        ("initial", "failed"),
        ("initial", "partial"),
        ("initial", "partial"),
    ]
    waits = [
        datetime.fromisoformat(later["run_after"]) - datetime.fromisoformat(sooner["finished_at"])
        for sooner, later in pairwise(found)
    ]
    assert [wait.total_seconds() for wait in waits] == [1, 2, 4]
    assert waiting == [], "a fourth retry"


async def waiting_jobs(daemon: Daemon, *, seconds: float) -> list[Any]:
    """The jobs that wait, once there is one; none where there is none after so many seconds."""
    for _ in range(int(seconds / 0.05)):
        if waiting := (await daemon.get("/api/queue"))["jobs"]:
            return list(waiting)
        await asyncio.sleep(0.05)
    return []


async def ended_jobs(daemon: Daemon, count: int) -> list[Any]:
    """The ended jobs, the oldest first, once there are so many, or after ten seconds those that there are."""
    found: list[Any] = []
    for _ in range(100):
        found = [job for job in (await daemon.get("/api/jobs"))["jobs"][::-1] if job["finished_at"]]
        if len(found) >= count:
            break
        await asyncio.sleep(0.1)
    return found
