"""How often sessions may begin, what several of one shard receive, and how many requests came in a second."""

import asyncio

import pytest

from adapters.discord.simulator import Simulator
from tests.support.clients import Api, raw_gateway
from tests.support.small_world import GUILD, TEXT, WRITER


async def test_an_identify_that_comes_too_soon_gets_an_invalid_session(sim: Simulator) -> None:
    sim.gateway.starts.interval_seconds = 5.0
    async with raw_gateway(sim) as first, raw_gateway(sim) as second:
        await first.identify()
        await first.until("READY")
        await second.identify()
        refused = await second.next()
        assert (refused["op"], refused["d"]) == (9, False)
        sim.gateway.starts.interval_seconds = 0.01
        await asyncio.sleep(0.02)
        await second.send(2, {"token": sim.world.token, "intents": 34305, "properties": {}})
        await second.until("READY")
    starts = sim.gateway.starts
    assert [identify.is_too_fast for identify in starts.log] == [False, True, False]
    assert starts.violations == 1
    assert starts.left == 1000 - 3
    assert starts.told()["violations"] == 1
    assert starts.log[0].at_monotonic < starts.log[1].at_monotonic


@pytest.mark.parametrize(("concurrency", "violations"), [(1, 3), (2, 2), (4, 0)])
async def test_shards_of_several_buckets_may_identify_at_once(
    sim: Simulator, concurrency: int, violations: int
) -> None:
    starts = sim.gateway.starts
    starts.max_concurrency, starts.interval_seconds = concurrency, 5.0
    for shard_id in range(4):
        async with raw_gateway(sim) as client:
            await client.identify(shard=[shard_id, 4])
            assert (await client.next())["op"] in (0, 9)
    assert [identify.shard for identify in starts.log] == [(shard_id, 4) for shard_id in range(4)]
    assert starts.violations == violations


async def test_every_session_of_a_shard_receives_every_event(sim: Simulator) -> None:
    shard_id = (GUILD >> 22) % 2
    async with raw_gateway(sim) as one, raw_gateway(sim) as another, raw_gateway(sim) as elsewhere:
        for client, shard in ((one, shard_id), (another, shard_id), (elsewhere, 1 - shard_id)):
            await client.identify(shard=[shard, 2])
            await client.until("GUILD_CREATE")
        for number in range(5):
            sim.change.post(TEXT, f"message {number}", WRITER.id)
        for client in (one, another):
            frames = [await client.next() for _ in range(5)]
            assert [frame["d"]["content"] for frame in frames] == [f"message {number}" for number in range(5)]
        await elsewhere.send(1, None)
        assert (await elsewhere.next())["op"] == 11, "nothing before the answer to its heartbeat"


async def test_the_most_requests_within_a_second_are_known(sim: Simulator, api: Api) -> None:
    for _ in range(7):
        await api.get("/users/@me")
    async with raw_gateway(sim) as client:
        await client.next()
    assert sim.requests.most_within(60.0) == 7, "the gateway's handshake is none"
    assert sim.requests.most_within(1e-9) == 1
