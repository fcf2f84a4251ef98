"""How many shards there are: as Discord recommends, or as the configuration says; and the turn that each one takes."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.events import TenantsReady, TenantsReleased
from adapters.parts import Turn, no_turn
from tests.support.patience import comes
from tests.support.sharing import Turns, sharing
from tests.support.small_world import sharded_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

SHARDS = 4
INTERVAL, SPACING = 0.1, 0.3  # apart, since a busy machine may read an IDENTIFY late


def simulator(shards: int) -> Simulator:
    sim = Simulator(sharded_world(SHARDS))
    sim.gateway.shards = shards
    return sim


@pytest.mark.parametrize("shards", ["all", "auto"])
async def test_another_number_of_shards_releases_those_that_were(shards: str) -> None:
    async with simulator(2) as sim, sharing(sim, shards=shards) as process:
        if shards == "auto":
            process.hold("0/2")
        held = ["0/2"] if shards == "auto" else ["0/2", "1/2"]
        await process.until_ready(*held)
        sim.gateway.shards = sim.gateway.minimum_shards = SHARDS
        sim.gateway.close(4011)
        division = process.adapter.division
        await process.comes(lambda: process.adapter.division != division, "another number")
        assert process.adapter.division is not None
        assert len(process.adapter.division.parts) == SHARDS
        if shards == "auto":
            assert process.adapter.held == frozenset(), "to whom these belong is yet to be settled"
            process.hold("0/2", "3/4")
        held_then = ["3/4"] if shards == "auto" else ["0/4", "1/4", "2/4", "3/4"]
        await process.until_ready(*held_then)
        assert process.parts(TenantsReleased) == held
        kinds = [type(event) for event in process.events if isinstance(event, (TenantsReady, TenantsReleased))]
        assert kinds == [TenantsReady] * len(held) + [TenantsReleased] * len(held) + [TenantsReady] * len(held_then)


async def test_the_configured_number_is_used_whatever_discord_recommends() -> None:
    async with simulator(1) as sim, sharing(sim, shards="all", shard_count=SHARDS) as process:
        await process.until_ready("0/4", "1/4", "2/4", "3/4")
        assert {identify.shard[1] for identify in sim.gateway.starts.log} == {SHARDS}


async def test_a_configured_number_is_known_before_anything_is_connected() -> None:
    async with simulator(1) as sim, sharing(sim, shard_count=SHARDS) as process:
        assert process.adapter.division is not None
        assert len(process.adapter.division.parts) == SHARDS


async def test_a_configured_number_that_discord_refuses_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with simulator(16) as sim:
        sim.gateway.minimum_shards = 16
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0)

        options: dict[str, Any] = {"shards": "0-1", "shard_count": SHARDS, "identify_delay_seconds": 5.0}
        async with sharing(sim, sleep=sleep, **options) as process:
            await process.comes(lambda: len([r for r in caplog.records if r.levelname == "ERROR"]) >= 6, "errors")
            assert process.adapter.held == {"0/4", "1/4"}
            assert process.adapter.unready_reason is not None
            assert process.parts(TenantsReleased) == [], "they are still its shards"
    told = next(record for record in caplog.records if record.levelname == "ERROR")
    assert "configured number of shards" in told.message
    assert "shard_count = 16" in told.remedy  # type: ignore[attr-defined]
    assert max(pauses) > 100, "it is tried ever less often"


async def ready_by(sim: Simulator, turn: Turn) -> None:
    """Let two processes connect two shards each."""
    async with AsyncExitStack() as stack:
        options = {"identify_delay_seconds": SPACING, "sleep": asyncio.sleep}
        one, other = [await stack.enter_async_context(sharing(sim, turn, **options)) for _ in range(2)]
        one.hold("0/4", "1/4")
        other.hold("2/4", "3/4")
        await one.until_ready("0/4", "1/4")
        await other.until_ready("2/4", "3/4")


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_processes_identify_in_turn(concurrency: int) -> None:
    async with simulator(SHARDS) as sim:
        starts, turns = sim.gateway.starts, Turns()
        starts.max_concurrency, starts.interval_seconds = concurrency, INTERVAL
        await ready_by(sim, turns.turn)
        assert starts.violations == 0
        assert sorted(identify.shard[0] for identify in starts.log) == list(range(SHARDS))
        assert sorted(turns.entered) == sorted(f"identify:{shard % concurrency}" for shard in range(SHARDS))


@pytest.mark.slow
async def test_without_turns_discord_refuses_some_and_all_are_connected_in_the_end() -> None:
    async with simulator(SHARDS) as sim:
        sim.gateway.starts.interval_seconds = INTERVAL
        await ready_by(sim, no_turn)
        assert sim.gateway.starts.violations > 0


async def test_no_turn_is_kept_while_no_session_is_left() -> None:
    async with simulator(SHARDS) as sim:
        sim.gateway.starts.left = 0
        turns, waiting = Turns(), asyncio.Event()

        async def sleep(seconds: float) -> None:
            if seconds > 1000:
                waiting.set()
                await asyncio.sleep(0.05)

        async with sharing(sim, turns.turn, sleep=sleep) as process:
            process.hold("0/4")
            await waiting.wait()
            async with asyncio.timeout(5), turns.turn("identify:0", 0.0):
                sim.gateway.starts.left = 5
            await comes(lambda: process.adapter.ready_parts, "the session")


async def test_a_turn_that_cannot_be_had_is_asked_for_again() -> None:
    """It may be the database's, which is away at times."""
    async with simulator(1) as sim:
        turns, failures = Turns(), [OSError("away"), RuntimeError("a fault"), TimeoutError()]

        def turn(name: str, spacing_seconds: float) -> AbstractAsyncContextManager[None]:
            if failures:
                raise failures.pop()
            return turns.turn(name, spacing_seconds)

        async with sharing(sim, turn) as process:
            process.hold("0/1")
            await process.until_ready("0/1")
            assert sim.gateway.identifies == 1
            assert [wait >= 0.5 for wait in process.waits] == [True] * 3


async def test_a_shard_takes_the_turn_of_the_bucket_that_discord_names_last() -> None:
    async with simulator(SHARDS) as sim:
        turns = Turns()
        async with sharing(sim, turns.turn) as process:
            sim.gateway.starts.max_concurrency = 2
            process.hold("3/4")
            await process.until_ready("3/4")
    assert turns.entered == ["identify:0", "identify:1"]
