"""A session that sends no events of one kind is found by a page that is read again once in a verification interval."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_current
from tests.support.daemon import HASTY, running_daemon
from tests.support.small_world import GUILD, MESSAGES, OTHER_GUILD, QUIET, TEXT, WRITER, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

SAMPLING = {"PLATFORM_SYNC_SYNC__VERIFY_INTERVAL": "0 s", "PLATFORM_SYNC_SYNC__EVENT_PATIENCE": "3 s"}
PAGES = "/channels/{channel_id}/messages"
NEWEST = MESSAGES[-1]


def edit(sim: Simulator) -> None:
    sim.change.edit(TEXT, NEWEST, "edited unheard", silent=True)


def delete(sim: Simulator) -> None:
    sim.change.delete(TEXT, MESSAGES[-2], silent=True)


def delete_the_newest(sim: Simulator) -> None:
    sim.change.delete(TEXT, sim.world.guilds[GUILD].channels[TEXT].messages.last_id or 0, silent=True)


def react(sim: Simulator) -> None:
    sim.change.react(TEXT, NEWEST, "\N{THUMBS UP SIGN}", WRITER.id, silent=True)


def post_between(sim: Simulator) -> None:
    """Its channel's newest message is received, so that no head tells of the one before it."""
    sim.change.post(TEXT, "unheard", silent=True)
    sim.change.post(TEXT, "heard")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("edits", edit),
        ("deletions", delete),
        ("deletions", delete_the_newest),
        ("reactions", react),
        ("missing", post_between),
    ],
)
async def test_a_change_of_which_no_event_came_ends_following_and_is_repaired(
    tmp_path: Path, kind: str, change: Callable[[Simulator], None]
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = small_world()
    del world.guilds[OTHER_GUILD]  # of a shard's only guild one sample ends the session
    async with Simulator(world) as sim, running_daemon(sim, url, SAMPLING) as daemon:
        await daemon.idle(1)
        beside = int(sim.change.post(QUIET, "outside of the sample")["id"])
        sim.change.post(TEXT, "so that this channel has the newest message")
        assert (await daemon.sync(GUILD))["progress"]["proven_until"]
        sim.change.edit(QUIET, beside, "unheard too", silent=True)
        change(sim)
        job = await daemon.sync(GUILD)
        assert (job["status"], job["progress"]["proven_until"]) == ("succeeded", None)
        exposed, _ = await daemon.metrics.expose("")
        assert f'platform_sync_live_missed_total{{kind="{kind}"}} 1.0' in exposed.decode()
        assert_current(url, truth(sim.world, GUILD), GUILD)
        is_deaf = kind != "missing"  # a later message was received
        await daemon.sees(lambda: sim.gateway.identifies == (2 if is_deaf else 1))


async def test_a_sample_that_is_equal_costs_one_request_in_an_interval(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world()) as sim, running_daemon(sim, url, SAMPLING) as daemon:
        await daemon.idle(1)
        newest = int(sim.change.post(TEXT, "new")["id"])
        sim.change.edit(TEXT, newest, "edited")
        sim.change.react(TEXT, newest, "\N{THUMBS UP SIGN}", WRITER.id)
        sim.change.delete(TEXT, MESSAGES[-2])
        sim.requests.clear()
        job = await daemon.sync(GUILD)
        assert job["progress"]["proven_until"]
        assert sim.requests.count(PAGES) == sim.requests.count(PAGES, channel_id=TEXT) == 1
        exposed, _ = await daemon.metrics.expose("")
        missed = [line for line in exposed.decode().splitlines() if line.startswith("platform_sync_live_missed_total{")]
        assert [line for line in missed if not line.endswith(" 0.0")] == []


async def test_the_first_sample_is_due_after_an_interval(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world()) as sim, running_daemon(sim, url, HASTY) as daemon:
        await daemon.idle(1)
        sim.requests.clear()
        await daemon.sync(GUILD)
        assert sim.requests.count(PAGES) == 0
