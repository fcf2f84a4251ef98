"""The gateway as a plain WebSocket client sees it, frame by frame."""

import asyncio
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from tests.support.clients import (
    raw_gateway,
)
from tests.support.small_world import GUILD, MESSAGES, READER, TEXT, WRITER


async def test_more_missed_than_the_buffer_holds_means_a_new_session(sim: Simulator) -> None:
    async with raw_gateway(sim) as first:
        await first.identify()
        session_id = (await first.until("READY"))[-1]["d"]["session_id"]
        await first.socket.close(code=4000)
    for _ in range(1001):
        sim.gateway.send_raw("TYPING_START", {})  # not among the intents: costs nothing
        sim.gateway.send_raw("CHANNEL_PINS_UPDATE", {"channel_id": str(TEXT)})
    async with raw_gateway(sim) as second:
        await second.next()
        await second.send(6, {"token": sim.world.token, "session_id": session_id, "seq": 1})
        assert (await second.next())["op"] == 9


async def test_resuming_replays_in_order_and_refuses_strangers(sim: Simulator) -> None:
    async with raw_gateway(sim) as first:
        await first.identify()
        ready = (await first.until("READY"))[-1]
        await first.socket.close(code=4000)
    sim.change.post(TEXT, "one", WRITER.id)
    sim.change.post(TEXT, "two", WRITER.id)
    async with raw_gateway(sim) as second:
        await second.next()
        await second.send(6, {"token": sim.world.token, "session_id": ready["d"]["session_id"], "seq": ready["s"]})
        frames = await second.until("RESUMED")
        assert [frame["s"] for frame in frames] == list(range(ready["s"] + 1, ready["s"] + 1 + len(frames)))
        assert [frame["d"]["content"] for frame in frames if frame["t"] == "MESSAGE_CREATE"] == ["one", "two"]
    async with raw_gateway(sim) as stranger:
        await stranger.next()
        await stranger.send(6, {"token": sim.world.token, "session_id": "nobody", "seq": 1})
        assert (await stranger.next())["op"] == 9


async def test_a_session_closed_by_its_client_with_1000_is_over(sim: Simulator) -> None:
    async with raw_gateway(sim) as first:
        await first.identify()
        ready = (await first.until("READY"))[-1]
        await first.socket.close(code=1000)
    async with raw_gateway(sim) as second:
        await second.next()
        await second.send(6, {"token": sim.world.token, "session_id": ready["d"]["session_id"], "seq": ready["s"]})
        assert (await second.next())["op"] == 9


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ((2, {"token": "wrong", "intents": 0}), 4004),
        ((2, {"token": "simulated-token", "intents": 1 << 40}), 4013),
        ((2, {"token": "simulated-token", "intents": "all"}), 4013),
        ((2, {"token": "simulated-token", "intents": 1 << 1}), 4014),
        ((2, {"token": "simulated-token", "intents": 0, "shard": [2, 2]}), 4010),
        ((2, {"token": "simulated-token", "intents": 0, "shard": "first"}), 4010),
        ((3, {}), 4003),
        ((99, {}), 4001),
        ((6, {"token": "wrong"}), 4004),
    ],
)
async def test_what_a_client_must_not_send(sim: Simulator, frame: tuple[int, Any], code: int) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.next()
        await gateway.send(*frame)
        assert await gateway.next() == {"close": code}


async def test_what_is_no_json_is_refused(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.next()
        await gateway.socket.send_str("{")
        assert await gateway.next() == {"close": 4002}


async def test_identifying_twice_is_refused(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.identify()
        await gateway.until("READY")
        await gateway.send(2, {"token": sim.world.token, "intents": 0})
        while "close" not in (frame := await gateway.next()):
            pass
        assert frame == {"close": 4005}


@pytest.mark.parametrize("compress", [False, True])
async def test_frames_come_as_text_or_as_one_zlib_stream(sim: Simulator, compress: bool) -> None:
    async with raw_gateway(sim, compress=compress) as gateway:
        await gateway.identify()
        frames = await gateway.until("GUILD_CREATE")
        assert [frame["t"] for frame in frames] == ["READY", "GUILD_CREATE"]
        assert [frame["s"] for frame in frames] == [1, 2]
        assert frames[0]["d"]["guilds"][0] == {"id": str(GUILD), "unavailable": True}
        assert frames[1]["d"]["unavailable"] is False


async def test_intents_decide_which_events_come(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.identify(intents=1 << 9)  # messages, without their content
        await gateway.until("READY")
        sim.change.react(TEXT, MESSAGES[0], "👍", READER.id)
        sim.change.create_channel(GUILD, "annex")
        sim.change.post(TEXT, "unseen", WRITER.id)
        frame = await gateway.next()
        assert (frame["t"], frame["d"]["content"], frame["d"]["author"]["id"]) == (
            "MESSAGE_CREATE",
            "",
            str(WRITER.id),
        )


async def test_without_the_content_intent_a_mention_of_the_bot_stays_readable(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.identify(intents=1 << 9)
        await gateway.until("READY")
        sim.change.post(TEXT, "hello bot", WRITER.id, mentions=[{"id": str(sim.world.bot.id), "username": "b"}])
        assert (await gateway.next())["d"]["content"] == "hello bot"


async def test_heartbeats_are_answered_and_requested(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.next()
        await gateway.send(1, None)
        assert (await gateway.next())["op"] == 11
        sim.gateway.request_heartbeat()
        assert (await gateway.next())["op"] == 1
        sim.gateway.answers_heartbeats = False
        await gateway.send(1, 1)
        sim.gateway.request_heartbeat()
        assert (await gateway.next())["op"] == 1
    assert sim.gateway.heartbeats == 2


async def test_a_client_that_falls_silent_is_dropped(sim: Simulator) -> None:
    sim.gateway.heartbeat_seconds = 0.05
    async with raw_gateway(sim) as gateway:
        assert (await gateway.next())["d"] == {"heartbeat_interval": 50}
        assert await gateway.next() == {"close": 4009}


async def test_stopping_closes_clients_that_stay(sim: Simulator) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.identify()
        await gateway.until("READY")
        stopping = asyncio.create_task(sim.stop())
        while "close" not in (frame := await gateway.next()):
            pass
        assert frame == {"close": 1001}
        await stopping


async def test_one_session_more_than_are_left_costs_the_token(sim: Simulator) -> None:
    sim.gateway.starts.left = 1
    for close in (None, 4004):
        async with raw_gateway(sim) as client:
            await client.identify()
            frame = await client.next()
            assert (frame.get("t"), frame.get("close")) == ("READY" if close is None else None, close)
        assert sim.gateway.starts.payload()["remaining"] == 0
    async with raw_gateway(sim) as client:
        await client.send(2, {"token": "simulated-token", "intents": 0, "properties": {}})
        assert (await client.next())["op"] == 10
        assert (await client.next())["close"] == 4004


async def test_one_shard_is_lost_and_the_other_is_not(sim: Simulator) -> None:
    async with raw_gateway(sim) as one, raw_gateway(sim) as other:
        for number, client in enumerate((one, other)):
            await client.identify(shard=[number, 2])
            await client.until("GUILD_CREATE")
        sim.gateway.lose(0)
        assert (await one.next())["close"] == 4000
        await other.send(1, None)
        assert (await other.next())["op"] == 11
