"""An event that comes while a listing is on its way is newer than the listing."""

import asyncio
from collections.abc import Callable

import pytest

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_current, assert_equal_to_truth
from tests.support.daemon import HASTY, ON_SQLITE, VERIFYING, running_daemon
from tests.support.small_world import CATEGORY, FORUM, GUILD, POST, QUIET, TEXT, small_world

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


def moved_out(sim: Simulator) -> None:
    sim.change.update_channel(TEXT, parent_id=None)


def created(sim: Simulator) -> None:
    sim.change.create_channel(GUILD, "new")


def deleted(sim: Simulator) -> None:
    sim.change.delete_channel(QUIET)


def thread_deleted(sim: Simulator) -> None:
    sim.change.delete_thread(POST)


@ON_SQLITE
@pytest.mark.parametrize(
    ("settings", "route", "channel_id", "change"),
    [
        *((HASTY, CHANNELS, None, change) for change in (renamed, moved_out, created, deleted)),
        *((VERIFYING, CHANNELS, None, change) for change in (renamed, moved_out, created, deleted)),
        (VERIFYING, ARCHIVED, FORUM, reopened),
        *((VERIFYING, THREADS, None, change) for change in (archived, thread_deleted)),
    ],
)
async def test_what_an_event_says_while_a_listing_is_on_its_way_stays(
    database_url: str,
    settings: dict[str, str],
    route: str,
    channel_id: int | None,
    change: Callable[[Simulator], None],
) -> None:
    world = small_world(3)
    world.guilds[GUILD].channels[TEXT].parent_id = CATEGORY
    async with Simulator(world) as sim, running_daemon(sim, database_url, settings) as daemon:
        await daemon.idle(2)
        if change is reopened:
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
        compare = assert_current if change in (deleted, thread_deleted) else assert_equal_to_truth
        compare(database_url, truth(sim.world, GUILD), GUILD)
        job = await daemon.sync(GUILD)
        assert job["progress"]["channels_followed"] > 0
        exposed, _ = await daemon.metrics.expose("")
        missed = [line for line in exposed.decode().splitlines() if line.startswith("platform_sync_live_missed_total{")]
        assert all(line.endswith(" 0.0") for line in missed), missed


@ON_SQLITE
@pytest.mark.parametrize("settings", [HASTY, VERIFYING])
async def test_a_channel_that_events_hide_after_it_was_listed_as_shown_is_not_passed_over(
    database_url: str, settings: dict[str, str]
) -> None:
    """No event shows a channel again: what comes late, such as after a network's stall, hides it until it is listed."""
    async with Simulator(small_world(3)) as sim, running_daemon(sim, database_url, settings) as daemon:
        await daemon.idle(2)
        sim.change.post(TEXT, "missed", silent=True)
        sim.requests.clear()
        sim.faults.add(Fault("late", CHANNELS, seconds=LATE_SECONDS))
        async with asyncio.TaskGroup() as tasks:
            syncing = tasks.create_task(daemon.sync(GUILD))
            await daemon.sees(lambda: len(sim.requests.entries(CHANNELS)) == 1)
            sim.change.hide_channel(TEXT, bot_keeps=True)
            sim.change.show_channel(TEXT)
        assert syncing.result()["status"] == "partial"
        assert {failure["code"] for failure in syncing.result()["error"]["channels"]} == {"shown_again"}
        assert (await daemon.sync(GUILD))["status"] == "succeeded"
        assert_equal_to_truth(database_url, truth(sim.world, GUILD), GUILD)
