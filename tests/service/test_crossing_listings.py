"""An event that comes while a listing is on its way is newer than the listing."""

import asyncio
from collections.abc import Callable

import pytest

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import VERIFYING, running_daemon
from tests.support.small_world import FORUM, GUILD, POST, TEXT, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

CHANNELS, THREADS = "/guilds/{guild_id}/channels", "/guilds/{guild_id}/threads/active"
ARCHIVED = "/channels/{channel_id}/threads/archived/public"
LATE_SECONDS = 3.0  # more than it takes to write what was received


def renamed(sim: Simulator) -> None:
    sim.change.rename_channel(TEXT, "renamed while it was listed")


def reopened(sim: Simulator) -> None:
    sim.change.unarchive_thread(POST)


def archived(sim: Simulator) -> None:
    sim.change.archive_thread(POST)


@pytest.mark.parametrize(
    ("route", "channel_id", "begins_archived", "change"),
    [
        (CHANNELS, None, False, renamed),
        (ARCHIVED, FORUM, True, reopened),
        (THREADS, None, False, archived),
    ],
)
async def test_what_an_event_says_while_a_listing_is_on_its_way_stays(
    database_url: str, route: str, channel_id: int | None, begins_archived: bool, change: Callable[[Simulator], None]
) -> None:
    async with Simulator(small_world(3)) as sim, running_daemon(sim, database_url, VERIFYING) as daemon:
        await daemon.idle(2)
        if begins_archived:
            sim.change.archive_thread(POST)
        await daemon.sync(GUILD)
        sim.requests.clear()
        sim.faults.add(Fault("late", route, channel_id, seconds=LATE_SECONDS))
        async with asyncio.TaskGroup() as tasks:
            syncing = tasks.create_task(daemon.sync(GUILD))
            await daemon.sees(lambda: len(sim.requests.entries(route, channel_id=channel_id)) == 1)
            change(sim)
        job = syncing.result()
        assert job["status"] == "succeeded"
        assert job["progress"]["channels_followed"] > 0, "an older listing contradicts no event"
        exposed, _ = await daemon.metrics.expose("")
        missed = [line for line in exposed.decode().splitlines() if line.startswith("platform_sync_live_missed_total{")]
        assert all(line.endswith(" 0.0") for line in missed), missed
        assert_equal_to_truth(database_url, truth(sim.world, GUILD), GUILD)
