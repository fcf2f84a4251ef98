"""A living guild: its archive is current without any sync, and the sync that proves it makes one request."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, World
from adapters.discord.simulator.truth import truth
from tests.support.archive import archived, assert_channels_current, assert_current
from tests.support.guilds import guild_of
from tests.support.living import Living, living_world
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import UNHURRIED, process

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(400)]

CHANNELS, MESSAGES, THREADS = 200, 5, 60
MESSAGES_A_SECOND = 50
KINDS = {"post", "thread", "thread_on_message", "forum_post", "edit", "delete", "bulk_delete", "react", "unreact"} | {
    "pin",
    "unfurl",
    "rename",
    "hide",
    "archive",
    "unarchive",
    "delete_thread",
}


@pytest.mark.parametrize("seed", [1])
async def test_a_living_guild_is_archived_from_its_events_and_proven_by_one_request(
    database_url: str, seed: int, soak_minutes: float, tmp_path: Path
) -> None:
    world = living_world(CHANNELS, MESSAGES, THREADS)
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
        lag = await until(lambda: assert_archived(database_url, world, people))
        print(f"{written} messages, {sum(people.done.values())} changes; {lag:.1f} s after the last: {people.done}")
        assert sim.requests.counts() == {}
        live = (await daemon.get(f"{tenant}/coverage"))["live"]
        assert live["channels_followed"] == live["channels"] > CHANNELS / 2
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


async def until(look: Callable[[], None]) -> float:
    """Wait until the archive is current; return how many seconds that took."""
    began = time.monotonic()
    while True:
        try:
            await asyncio.to_thread(look)
        except AssertionError:
            if time.monotonic() > began + PATIENCE_SECONDS:
                raise
            await asyncio.sleep(0.1)
        else:
            return time.monotonic() - began
