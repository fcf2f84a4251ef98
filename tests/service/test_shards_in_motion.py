"""Processes that pass the shards of one bot between them, and send its requests by their shares."""

import asyncio
from contextlib import AsyncExitStack
from random import Random

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Simulator
from adapters.events import PlatformEvent, TenantJoined, TenantsReady, TenantsReleased
from tests.support.sharing import Sharing, Turns, say, sharing
from tests.support.small_world import sharded_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

SHARDS, PROCESSES = 4, 3
SPACING = 0.2  # far beyond the simulator's interval, since a busy machine may read an IDENTIFY late
GUILDS = list(sharded_world(SHARDS).guilds)
PARTS = [f"{number}/{SHARDS}" for number in range(SHARDS)]


class Talk:
    """Messages in every guild, with the streams in which each process was when they were sent."""

    def __init__(self, sim: Simulator, processes: list[Sharing]) -> None:
        self._sim = sim
        self._processes = processes
        self._said: list[tuple[str, int, list[object]]] = []

    def go_on(self) -> None:
        """Say something in every guild."""
        for guild_id in GUILDS:
            text = f"message {len(self._said)}"
            self._said.append((text, guild_id, self._streams(guild_id)))
            say(self._sim, guild_id, text)

    def _streams(self, guild_id: int) -> list[object]:
        found = [process.adapter.stream(str(guild_id)) for process in self._processes]
        return [stream and stream.id for stream in found]

    def owed(self) -> list[set[str]]:
        """What each process has to have received: what was said in the stream in which it still is."""
        owed: list[set[str]] = [set() for _ in self._processes]
        for text, guild_id, streams in self._said:
            for mine, then, at_present in zip(owed, streams, self._streams(guild_id), strict=True):
                if then is not None and then == at_present:
                    mine.add(text)
        return owed


def check_order(process: Sharing) -> None:
    """Hold what a process was told to the parts that were announced and released."""
    received: dict[str, object] = {}
    for event in process.told:
        match event:
            case TenantsReady(part=part, covers=covers):
                received[part] = covers
            case TenantsReleased(part=part):
                received.pop(part, None)
            case TenantJoined(tenant):
                number = GUILDS.index(int(tenant.platform_id))
                assert PARTS[number] in received, "a guild of a part that was released"


@pytest.mark.parametrize("seed", range(3))
async def test_shards_are_passed_around_and_nothing_of_a_stream_is_missed(seed: int) -> None:
    chance = Random(seed)
    async with Simulator(sharded_world(SHARDS)) as sim, AsyncExitStack() as stack:
        sim.gateway.shards = SHARDS
        sim.gateway.starts.max_concurrency, sim.gateway.starts.interval_seconds = 2, 0.02
        turns = Turns()
        entered = [
            sharing(sim, turns.turn, identify_delay_seconds=SPACING, sleep=asyncio.sleep) for _ in range(PROCESSES)
        ]
        processes = [await stack.enter_async_context(one) for one in entered]
        talk, held = Talk(sim, processes), [set[str]() for _ in processes]
        for step in range(80):
            part = chance.choice(PARTS)
            for number in range(PROCESSES):
                held[number].discard(part)
            held[chance.randrange(PROCESSES)].add(part)
            for process, parts in zip(processes, held, strict=True):
                process.hold(*parts)
            talk.go_on()
            sim.change.rename_guild(chance.choice(GUILDS), f"name {step}")
            if chance.random() < 0.05:
                sim.gateway.reconnect()
            await asyncio.sleep(chance.choice((0, 0, 0.01, 0.1, 0.3)))
        for process, parts in zip(processes, held, strict=True):
            await process.until_ready(*parts)
        talk.go_on()
        for process, owed in zip(processes, talk.owed(), strict=True):
            await process.comes(lambda: owed <= set(process.contents()), "all of the streams")  # noqa: B023
            assert len(process.contents()) == len(set(process.contents())), "one came twice"
            check_order(process)
        assert sum(len(owed) for owed in talk.owed()) >= SHARDS, "each guild is received by one of them"
        assert sim.gateway.starts.violations == 0
        assert {part for parts in held for part in parts} == {
            part for process in processes for part in process.adapter.held
        }


async def test_processes_keep_to_the_pace_of_one_bot() -> None:
    def settled(event: PlatformEvent) -> bool:
        return isinstance(event, TenantsReady)

    async with Simulator(sharded_world(2)) as sim, AsyncExitStack() as stack:
        sim.gateway.shards = 2
        processes = [await stack.enter_async_context(sharing(sim, requests_per_second=40)) for _ in range(2)]
        for number, process in enumerate(processes):
            process.hold(f"{number}/2")
            await process.until(settled)
            process.adapter.take_share(0.5)
        sim.requests.clear()

        async def read(session: PlatformSession) -> None:
            for _ in range(15):
                await session.channels(only_channels=True)

        syncs = [
            process.adapter.sync(str(guild_id), read)
            for process, guild_id in zip(processes, list(sim.world.guilds), strict=True)
            for _ in range(2)
        ]
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*syncs)
        assert sim.requests.count() >= 60
        assert sim.requests.most_within(1.0) <= 44, "forty, and what was late"
        assert asyncio.get_running_loop().time() - began >= 60 / 40 - 0.1
