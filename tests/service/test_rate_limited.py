"""A rate limit ends the sync: nothing more is sent, nothing is tried again, the next sync goes on after the wait."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Limits, Simulator, uniform_world
from adapters.errors import RateLimited
from adapters.pages import WantedUsers
from storage.database import migrate
from tests.support.adapter import connected
from tests.support.archive import count_messages
from tests.support.daemon import Clock, running_daemon
from tests.support.faults import refuse_updates
from tests.support.small_world import GUILD, TEXT, small_world
from tests.support.small_world import MESSAGES as IDS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
WAIT = timedelta(seconds=90)
SETTINGS = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false", "PLATFORM_SYNC_SYNC__CONCURRENT_CHANNELS": "1"}


def at(job: Any, name: str) -> datetime:
    return datetime.fromisoformat(job[name])


async def test_a_rate_limit_ends_the_sync_and_the_next_one_goes_on_after_the_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world, clock = uniform_world(3, 250), Clock()
    ((guild_id, guild),) = world.guilds.items()
    limited = list(guild.channels)[1]
    async with Simulator(world) as sim:
        sim.faults.add(
            Fault("rate_limit", route=MESSAGES, channel_id=limited, retry_after=WAIT.total_seconds(), after=1)
        )
        async with running_daemon(sim, url, SETTINGS, clock=clock) as daemon:
            found = await daemon.until(
                lambda: daemon.get("/api/jobs"), lambda answer: answer["jobs"] and answer["jobs"][-1]["finished_at"]
            )
            job = found["jobs"][-1]
            assert job["status"] == "rate_limited", "the sync went on"
            assert job["error"]["code"] == "rate_limited"
            (tenant,) = (await daemon.get("/api/tenants"))["tenants"]
            assert "the next sync goes on from there at 20" in str(tenant["hint"])
            refused = next(entry for entry in sim.requests.entries() if entry.status == 429)
            later = [e.path for e in sim.requests.entries(MESSAGES) if e.at_monotonic > refused.at_monotonic]
            assert later == [], "requests left after the 429"
            assert len((await daemon.get("/api/jobs"))["jobs"]) == 1, "it was tried again by itself"
            kept = count_messages(url)
            assert kept == 250 + 100, "what was fetched before the 429 is kept"

            status, waiting = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
            assert (status, waiting["status"]) == (202, "queued")
            assert WAIT <= at(waiting, "run_after") - at(job, "started_at") < 2 * WAIT, (
                "not as long as the platform wants"
            )
            clock.ahead = 2 * WAIT
            ended = await daemon.job_ended(waiting["job_id"])
            assert (ended["status"], ended["metrics"]["messages"]) == ("succeeded", 3 * 250 - kept)


async def test_a_rate_limit_is_logged_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = uniform_world(1, 10)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("rate_limit", route=MESSAGES, scope="shared", retry_after=WAIT.total_seconds()))
        async with running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db", SETTINGS) as daemon:
            await daemon.idle()
            counted = (await daemon.metrics.expose(""))[0].decode()
    ended = [record.__dict__ for record in caplog.records if record.getMessage() == "sync ended"]
    assert len(ended) == 1, "the end of one sync is one line"
    (line,) = ended
    error = line.get("error") or {}
    assert (line["levelname"], line.get("status"), error.get("code")) == ("WARNING", "rate_limited", "rate_limited")
    assert (error.get("scope"), error.get("retry_after_seconds")) == ("shared", 90)
    assert 'platform_sync_rate_limits_total{scope="shared"} 1.0' in counted.splitlines()


async def test_a_wait_that_cannot_be_stored_leaves_the_job_to_its_lease(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    await migrate(url)
    refuse_updates(tmp_path / "archive.db", "tenants", "not_before")
    async with Simulator(uniform_world(1, 10)) as sim:
        sim.faults.add(Fault("rate_limit", route=MESSAGES, retry_after=WAIT.total_seconds(), times=None))
        async with running_daemon(sim, url, SETTINGS) as daemon:
            await daemon.sees(lambda: {"sync broken off", "sync ended"} & {r.getMessage() for r in caplog.records})
            jobs = (await daemon.get("/api/jobs"))["jobs"]
            assert [job["status"] for job in jobs] == ["running"], "it ended, and is tried again too early"
            assert sim.requests.count(MESSAGES) == 1, "a request left after the 429"


async def five_pages(session: PlatformSession) -> None:
    for _ in range(5):
        await session.messages(str(TEXT), None)


async def test_nothing_is_learnt_from_limits_that_were_met() -> None:
    """The pace is the configured one, whatever headers say and however many answers were a 429."""
    async with Simulator(small_world(), limits=Limits(channel_messages=(5, 0.5))) as sim, connected(sim) as link:
        await link.adapter.sync(str(GUILD), five_pages)  # the fifth answer's headers say that none is left
    assert link.waits == [], "an answer's headers held up the next request"
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("rate_limit", scope="user", retry_after=90))
        with pytest.raises(RateLimited):
            await link.adapter.sync(str(GUILD), five_pages)
        await link.adapter.sync(str(GUILD), five_pages)
        assert sim.requests.count(MESSAGES) == 6
    assert link.waits == [], "a 429 held up the sync after it"


async def five_lists(session: PlatformSession) -> None:
    wanted = [WantedUsers(emoji="🔥", burst=False, total=1) for _ in range(5)]
    assert len([users async for users in session.reaction_users(str(TEXT), str(IDS[-1]), wanted)]) == 5


@pytest.mark.parametrize(
    ("limit", "read", "route"),
    [
        ("requests_per_second", five_pages, MESSAGES),
        ("channel_requests_per_second", five_pages, MESSAGES),
        ("reaction_requests_per_second", five_lists, USERS),
        ("requests_per_second", five_lists, USERS),
    ],
)
async def test_requests_leave_no_faster_than_configured(
    limit: str, read: Callable[[PlatformSession], Awaitable[None]], route: str
) -> None:
    async with Simulator(small_world()) as sim, connected(sim, **{limit: 20.0}) as link:
        await link.adapter.sync(str(GUILD), read)
        left = [entry.at_monotonic for entry in sim.requests.entries(route)]
    assert len(left) == 5
    assert left[-1] - left[0] >= 4 / 20 - 0.05, "five requests left in less than four twentieths of a second"


async def test_lists_of_who_reacted_wait_for_no_page_of_their_channel() -> None:
    async with Simulator(small_world()) as sim, connected(sim, channel_requests_per_second=0.01) as link:

        async def both(session: PlatformSession) -> None:
            await session.messages(str(TEXT), None)
            await five_lists(session)

        await asyncio.wait_for(link.adapter.sync(str(GUILD), both), 20)
        assert sim.requests.count(USERS) == 5
