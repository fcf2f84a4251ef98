"""Discord wants another number of shards: those that were are gone, with what was still coming by them."""

import asyncio

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Simulator
from adapters.events import PlatformEvent, TenantsReady
from tests.support.adapter import connected
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import GUILD, OTHER_GUILD, TEXT, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")


def is_ready(event: PlatformEvent) -> bool:
    return isinstance(event, TenantsReady)


@pytest.mark.parametrize("code", [4010, 4011])
async def test_a_bot_that_needs_more_shards_asks_how_many(code: int) -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:
        assert [event.part for event in link.events if isinstance(event, TenantsReady)] == ["0/1"]
        sim.gateway.shards = sim.gateway.minimum_shards = 2
        sim.gateway.close(code)
        await link.until(is_ready, 3)
        ready = [event for event in link.events if isinstance(event, TenantsReady)][1:]
        assert {event.part: len(event.tenants) for event in ready} == {"0/2": 1, "1/2": 1}
        assert link.adapter.is_member(str(GUILD))
        assert link.adapter.is_member(str(OTHER_GUILD))
        page = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), None))
        assert page.messages


@pytest.mark.slow
async def test_what_was_arriving_on_shards_that_are_no_more_is_not_announced(caplog: pytest.LogCaptureFixture) -> None:
    world = small_world()
    late = next(guild_id for guild_id in world.guilds if (guild_id >> 22) % 2 == 1)
    async with Simulator(world) as sim:
        sim.gateway.shards = 2
        async with connected(sim, identify_delay_seconds=0, guild_ready_timeout_seconds=0.3) as link:
            await link.until(is_ready, 2)
            world.guilds[late].unavailable = True
            sim.gateway.lose(1)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while sim.gateway.connected < 2 or sim.gateway.identifies < 3:  # noqa: ASYNC110 (nothing tells)
                    await asyncio.sleep(0.005)
            sim.gateway.shards = 1
            sim.gateway.close(4011)
            await link.until(is_ready, 3)
            await asyncio.sleep(0.5)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []
    assert [e.part for e in link.events if isinstance(e, TenantsReady)][2:] == ["0/1"]


async def test_the_first_session_of_other_shards_is_not_the_one_in_which_channels_were_listed() -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:

        async def body(session: PlatformSession) -> None:
            await session.channels()
            sim.gateway.close(4011)
            await link.until(is_ready, 2)
            assert not session.receives_changes

        await link.adapter.sync(str(GUILD), body)
