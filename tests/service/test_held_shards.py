"""A process that connects some of the bot's shards, and others from then on: the ones that stay never notice."""

import asyncio

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Simulator
from adapters.errors import TenantUnavailable
from adapters.events import MessageCreated, TenantsReady, TenantsReleased
from tests.support.sharing import Sharing, say, sharing
from tests.support.small_world import sharded_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

SHARDS = 4
GUILDS = list(sharded_world(SHARDS).guilds)


def simulator() -> Simulator:
    sim = Simulator(sharded_world(SHARDS))
    sim.gateway.shards = SHARDS
    return sim


def sessions(sim: Simulator) -> list[int]:
    """The shards of which Discord has a session."""
    return sorted(session.shard[0] for session in sim.gateway._sessions.values())


def streams(process: Sharing) -> list[object]:
    """The ids of the guilds' streams."""
    found = [process.adapter.stream(str(guild_id)) for guild_id in GUILDS]
    return [stream and stream.id for stream in found]


async def messages_come(sim: Simulator, process: Sharing, guild_id: int, text: str) -> None:
    say(sim, guild_id, text)
    await process.comes(lambda: text in process.contents(), text)


async def test_named_shards_alone_are_connected() -> None:
    async with simulator() as sim, sharing(sim, shards="1,3", shard_count=SHARDS) as process:
        await process.until_ready("1/4", "3/4")
        adapter = process.adapter
        assert [identify.shard for identify in sim.gateway.starts.log] == [(1, 4), (3, 4)]
        assert not adapter.shares_parts
        assert adapter.held == {"1/4", "3/4"}
        assert adapter.unready_reason is None
        assert adapter.division is not None
        assert [adapter.division.part_of(str(guild_id)) for guild_id in GUILDS] == ["0/4", "1/4", "2/4", "3/4"]
        for number, guild_id in enumerate(GUILDS):
            say(sim, guild_id, f"guild {number}")
        await process.comes(lambda: len(process.contents()) == 2, "two messages")
        await messages_come(sim, process, GUILDS[3], "last")
        assert sorted(process.contents()) == ["guild 1", "guild 3", "last"]
        assert [adapter.is_member(str(guild_id)) for guild_id in GUILDS] == [False, True, False, True]
        assert [stream is not None for stream in streams(process)] == [False, True, False, True]
        assert adapter.received_until("0/4") is None
        with pytest.raises(TenantUnavailable):
            await adapter.sync(str(GUILDS[0]), lambda session: session.channels())
        assert adapter.doubt(str(GUILDS[0]))(str(GUILDS[0]))
        assert len(await adapter.sync(str(GUILDS[1]), lambda session: session.channels())) == 1


async def test_nothing_is_connected_before_shards_are_given() -> None:
    async with simulator() as sim, sharing(sim) as process:
        adapter = process.adapter
        assert adapter.shares_parts
        assert adapter.held == adapter.ready_parts == frozenset()
        assert adapter.unready_reason is None
        await asyncio.sleep(0.1)
        assert sim.gateway.starts.log == []
        process.hold("5/4", "0/3", "nonsense", "2/4")
        await process.until_ready("2/4")
        assert adapter.held == {"2/4"}


async def test_shards_come_and_go_beside_others_that_stay() -> None:
    async with simulator() as sim, sharing(sim) as process:
        process.hold("0/4", "1/4")
        assert "shard 0 of 4 is not connected" in (process.adapter.unready_reason or "")
        await process.until_ready("0/4", "1/4")
        before = streams(process)
        process.hold("1/4", "2/4")
        assert streams(process) == [None, before[1], None, None], "at once"
        assert not process.adapter.is_member(str(GUILDS[0]))
        await process.until_ready("1/4", "2/4")
        assert streams(process)[1] == before[1]
        await process.comes(lambda: sessions(sim) == [1, 2], "the end of the session of shard 0")
        for number in range(10):
            await messages_come(sim, process, GUILDS[1], f"message {number}")
        assert process.adapter._client is not None
        assert set(process.adapter._client._dispatcher._guilds) == {str(GUILDS[1]), str(GUILDS[2])}, "no more is kept"
        assert sim.gateway.identifies == 3
        assert sim.gateway.resumes == 0
        assert process.parts(TenantsReady) == ["0/4", "1/4", "2/4"]
        process.hold()
        assert process.adapter.unready_reason is None
        await process.comes(lambda: sessions(sim) == [], "the end of all sessions")
        assert process.parts(TenantsReleased) == ["0/4", "1/4", "2/4"]


async def test_a_shard_is_released_behind_its_last_event() -> None:
    async with simulator() as sim, sharing(sim) as process:
        process.hold("0/4", "1/4")
        await process.until_ready("0/4", "1/4")

        async def talk() -> None:
            for number in range(300):
                say(sim, GUILDS[0], f"message {number}")
                sim.change.rename_guild(GUILDS[0], f"name {number}")
                await asyncio.sleep(0)

        talking = asyncio.create_task(talk())
        await process.comes(lambda: len(process.contents()) > 20, "messages")
        process.hold("1/4")
        await talking
        await messages_come(sim, process, GUILDS[1], "elsewhere")
        (released,) = (event for event in process.told if isinstance(event, TenantsReleased))
        behind = process.told[process.told.index(released) + 1 :]
        assert released.part == "0/4"
        assert [released.covers(str(guild_id)) for guild_id in GUILDS] == [True, False, False, False]
        assert [event.message.content for event in behind if isinstance(event, MessageCreated)] == ["elsewhere"]
        assert len(behind) == 1, "nothing of its guild comes any more"


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_a_shard_that_is_taken_again_has_another_stream(is_at_once: bool) -> None:
    async with simulator() as sim, sharing(sim) as process:
        known: list[object] = []
        for times in range(1, 4):
            process.hold("0/4", "1/4")
            await process.until_ready("0/4", "1/4")
            known.append(streams(process)[0])
            await messages_come(sim, process, GUILDS[0], f"message {times}")
            process.hold("1/4")
            if not is_at_once:
                await process.comes(lambda: sessions(sim) == [1], "the end of its session")
        assert len(set(known)) == 3
        await process.comes(lambda: len(process.parts(TenantsReleased)) == 3, "the last release")
        assert process.parts(TenantsReady).count("0/4") == process.parts(TenantsReleased).count("0/4") == 3
        assert process.parts(TenantsReady).count("1/4") == 1


async def test_a_shard_that_is_dropped_while_it_closes_is_closed_all_the_same() -> None:
    async with simulator() as sim, sharing(sim) as process:
        process.hold("0/4")
        await process.until_ready("0/4")
        for _ in range(3):  # while Discord has yet to answer the close
            process.hold()
            await asyncio.sleep(0)
            process.hold("0/4")
            await asyncio.sleep(0)
        process.hold()
        await process.comes(lambda: sessions(sim) == [], "the end of its session")
        await process.comes(lambda: len(process.parts(TenantsReleased)) == 4, "every release")
        assert sim.gateway.identifies == 1
        process.hold("0/4")
        await process.until_ready("0/4")


async def test_a_shard_whose_guilds_are_still_arriving_is_released_unannounced() -> None:
    async with simulator() as sim, sharing(sim, guild_ready_timeout_seconds=0.3) as process:
        sim.world.guilds[GUILDS[0]].unavailable = True
        process.hold("0/4")
        await process.comes(lambda: sessions(sim) == [0], "a session")
        await asyncio.sleep(0.1)
        process.hold("1/4")
        await process.until_ready("1/4")
        await asyncio.sleep(0.4)
        assert process.parts(TenantsReady) == ["1/4"]
        assert process.parts(TenantsReleased) == ["0/4"]


async def test_a_sync_under_way_finds_that_nothing_is_received_any_more() -> None:
    async with simulator() as sim, sharing(sim) as process:
        process.hold("0/4")
        await process.until_ready("0/4")

        async def body(session: PlatformSession) -> bool:
            await session.channels()
            assert session.receives_changes
            process.hold()
            return session.receives_changes

        assert not await process.adapter.sync(str(GUILDS[0]), body)
