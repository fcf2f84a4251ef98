"""A living guild: its archive is current without any sync, and the sync that proves it makes one request."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, World
from adapters.discord.simulator.truth import truth
from storage.tables import messages
from tests.support.archive import archived, assert_channels_current, assert_current, values_of
from tests.support.guilds import guild_of
from tests.support.living import Living, living_world
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import UNHURRIED, process

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(400)]

CHANNELS, FEWER_CHANNELS = 200, 60  # the fewer ones in every run of the tests
MESSAGES, THREADS = 4, 40
MESSAGES_A_SECOND = 50
KINDS = {"post", "thread", "forum_post", "edit", "delete", "react", "unreact", "pin", "rename", "hide", "delete_thread"}


@pytest.mark.parametrize("seed", [1])
async def test_a_living_guild_is_archived_from_its_events_and_proven_by_one_request(
    database_url: str, seed: int, soak_minutes: float, tmp_path: Path
) -> None:
    world = living_world(CHANNELS if soak_minutes else FEWER_CHANNELS, MESSAGES, THREADS)
    guild_id = guild_of(world)
    tenant = f"/api/tenants/discord-{guild_id}"
    async with (
        Simulator(world) as sim,
        process(tmp_path / "log", sim=sim, url=database_url, settings=UNHURRIED) as daemon,
    ):
        await daemon.synced()
        people = Living(sim, world.guilds[guild_id], seed)
        sim.requests.clear()
        written = await people.go_on(15 if soak_minutes else 4, MESSAGES_A_SECOND)
        ended = time.time()
        await until(lambda: assert_archived(database_url, world, people))
        print(
            f"{written} messages, the last row {last_written(database_url) - ended:.2f} s after the end: {people.done}"
        )
        assert sim.requests.counts() == {}
        live = (await daemon.get(f"{tenant}/coverage"))["live"]
        assert live["channels_followed"] == live["channels"] >= FEWER_CHANNELS
        created, job = await daemon.sync(guild_id)
        assert (created, job["status"], job["metrics"]["messages"]) == (True, "succeeded", 0), job
        assert sim.requests.count() == 1, sim.requests.counts()
        assert job["progress"]["channels_followed"] == live["channels"]
        assert_archived(database_url, world, people)
        assert await daemon.stop() == 0
    assert people.done.keys() >= KINDS


def assert_archived(url: str, world: World, people: Living) -> None:
    """Hold every row against the guild, and hold that nothing was stored of what is hidden or gone."""
    guild_id = guild_of(world)
    expected = truth(world, guild_id)
    assert_current(url, expected, guild_id)
    assert_channels_current(url, expected, guild_id)
    assert list(archived(url, "tenants", guild_id).values()) == list(expected.tenants())
    there = {row["platform_id"]: row["skip_reason"] is None for row in expected.channels()}
    hidden_at = dict(people.hidden)
    for (channel,), row in archived(url, "channels", guild_id).items():
        assert there.get(channel) or row["sync_state"] == "skipped", f"it is gone or hidden: {row}"
        if row["type"] == "thread" and row["parent_platform_id"] in people.hidden:
            hidden_at[channel] = people.hidden[row["parent_platform_id"]]
    for channel, message in archived(url, "messages", guild_id):
        assert int(message) <= hidden_at.get(channel, int(message)), f"{message} was stored, and was written unseen"


def last_written(url: str) -> float:
    """Return when the newest message was written, by the machine's clock."""
    return float(max(written.timestamp() for written in values_of(url, messages.c.updated_at)))


async def until(look: Callable[[], None]) -> None:
    """Wait until the archive is current."""
    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await asyncio.to_thread(look)
        except AssertionError:
            if time.monotonic() > gives_up_at:
                raise
            await asyncio.sleep(0.1)
        else:
            return
