"""What a shard of the gateway does to the bot, and what it must not: to the other shards, to a sync, to the token."""

import asyncio
from typing import Any

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.request_log import GATEWAY
from adapters.errors import CredentialRefused
from adapters.events import PlatformEvent, TenantJoined, TenantsReady
from tests.support.adapter import Connected, connected, make_adapter
from tests.support.listening import listening
from tests.support.patience import PATIENCE_SECONDS, comes
from tests.support.small_world import GUILD, MESSAGES, TEXT, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

LOGIN = "/users/@me"


def is_ready(event: PlatformEvent) -> bool:
    return isinstance(event, TenantsReady)


async def until(is_so: Any) -> None:
    await comes(is_so, f"line {is_so.__code__.co_firstlineno}")


@pytest.mark.parametrize("frame", [b"\x00 no JSON", b"[]", b'{"op":0,"s":1,"t":7,"d":{}}', b'{"op":10,"d":{}}', None])
async def test_a_garbled_connection_is_made_anew_and_no_sync_notices(frame: bytes | None) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        resumes = sim.gateway.resumes

        async def body(session: PlatformSession) -> int:
            first = (await session.messages(str(TEXT), None)).messages
            sim.gateway.garble(frame)
            await until(lambda: sim.gateway.resumes > resumes)
            second = await session.messages(str(TEXT), first[-1].platform_id)
            return len(first) + len(second.messages)

        assert await link.adapter.sync(str(GUILD), body) == 200
        assert sum(map(is_ready, link.events)) == 1, "the session went on"


async def test_a_sync_goes_on_while_a_new_session_is_begun() -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:

        async def body(session: PlatformSession) -> int:
            first = (await session.messages(str(TEXT), None)).messages
            sim.gateway.invalidate()
            await link.until(is_ready, 2)
            second = await session.messages(str(TEXT), first[-1].platform_id)
            return len(first) + len(second.messages)

        assert await link.adapter.sync(str(GUILD), body) == 200


async def test_a_session_that_can_only_be_replayed_garbled_is_given_up() -> None:
    """An event that cannot be read comes again with each RESUME: one day a new session is begun."""
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:
        (session,) = sim.gateway._sessions.values()
        session.sequence += 1
        session._buffer.append((session.sequence, b'{"op":0,"s":null,"t":"X","d":'))
        sim.gateway.reconnect()
        await link.until(is_ready, 2)
        assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 3)


@pytest.mark.slow
async def test_a_session_that_is_doubted_while_its_connection_is_away_is_not_resumed() -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0, sleep=asyncio.sleep) as link:
        sim.gateway.close(4000)
        await until(lambda: link.adapter.unready_reason is not None)  # a second passes before it connects again
        for guild_id in sim.world.guilds:
            link.adapter.doubt(str(guild_id))
        await link.until(is_ready, 2)
        assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 0)


@pytest.mark.slow
async def test_a_shard_without_answers_to_its_heartbeats_is_named_and_connected_again() -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.heartbeat_seconds, sim.gateway.shards = 0.5, 2
        async with listening(sim) as link:
            await until(lambda: link.adapter.unready_reason is None)
            parts = {part.name: part for part in link.adapter.health.parts}
            assert {name: part.is_connected for name, part in parts.items()} == {"0": True, "1": True}
            assert all((part.heartbeat_age_seconds or 9) < 5 for part in parts.values())
            sim.gateway.silent_shards = {1}
            await until(lambda: "shard 1 of 2 has had no answer to its" in (link.adapter.unready_reason or ""))
            assert "shard 0 of 2" not in (link.adapter.unready_reason or "")
            before = sim.gateway.resumes
            await until(lambda: sim.gateway.resumes > before)
            sim.gateway.silent_shards = set()
            await until(lambda: link.adapter.unready_reason is None)


@pytest.mark.slow
async def test_a_shard_whose_first_heartbeats_have_no_answer_is_not_ready() -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.heartbeat_seconds, sim.gateway.answers_heartbeats = 0.2, False
        async with listening(sim) as link:
            await until(lambda: "no answer to its heartbeats" in (link.adapter.unready_reason or ""))


async def test_a_shard_is_not_ready_before_its_connection_is_given_up() -> None:
    """By Discord's own interval, of which a few seconds are a small part."""
    async with Simulator(small_world()) as sim, connected(sim) as link:

        def reason() -> str:
            return link.adapter.unready_reason or ""

        assert link.adapter._client is not None
        assert link.adapter._client.shards is not None
        socket = link.adapter._client.shards._held[0]._socket
        assert socket is not None
        assert socket.heart is not None
        two_intervals = 2 * sim.gateway.heartbeat_seconds
        socket.heart.acknowledged_at = asyncio.get_running_loop().time() - two_intervals - 0.5
        assert not reason()  # an answer may take its time
        socket.heart.acknowledged_at -= 3  # it is given up 5 s after the second one was sent
        assert "no answer to its heartbeats" in reason()


@pytest.mark.slow
async def test_an_answer_that_is_quicker_than_the_heartbeat_is_no_delay(caplog: pytest.LogCaptureFixture) -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.heartbeat_seconds = 0.05
        async with connected(sim):
            begun = sim.gateway.heartbeats
            await until(lambda: sim.gateway.heartbeats > begun + 5)
    assert not [r for r in caplog.records if "behind" in r.message or "late" in r.message]


async def logging_in(sim: Simulator, **options: Any) -> tuple[Connected, "asyncio.Task[None]"]:
    """An adapter that has begun to log in."""
    waits: list[float] = []
    link = Connected(make_adapter(sim, waits, **options), waits)
    return link, asyncio.create_task(link.adapter.run(link.record))


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Fault("rate_limit", LOGIN, scope="cloudflare", retry_after=300.0, times=2), 300),
        (Fault("rate_limit", LOGIN, retry_after=120.0, times=2), 120),
        (Fault("rate_limit", LOGIN, scope="cloudflare", retry_after=1e12, times=2), 86_400),
        (Fault("rate_limit", GATEWAY, scope="cloudflare", retry_after=300.0, times=2), 300),
        (Fault("rate_limit", "/gateway/bot", scope="cloudflare", retry_after=300.0, times=2), 300),
        (Fault("status", LOGIN, status=503, html=True, times=2), 1),
        (Fault("invalid_json", LOGIN, times=2), 1),
    ],
)
async def test_a_log_in_is_tried_again_as_slowly_as_discord_asks(fault: Fault, least: float) -> None:
    async with Simulator(small_world()) as sim:
        sim.faults.add(fault)
        link, running = await logging_in(sim)
        await link.until(is_ready)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert sum(wait >= least for wait in link.waits) == 2
        assert sim.requests.count(fault.route or LOGIN) >= 3


async def test_no_session_is_begun_where_none_is_left() -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.starts.left, sim.gateway.starts.reset_seconds = 0, 7_200.0
        told: list[str | None] = []

        async def sleep(seconds: float) -> None:
            assert seconds == 7_200
            told.append(link.adapter.unready_reason)
            sim.gateway.starts.left = 5

        link, running = await logging_in(sim, sleep=sleep)
        await link.until(is_ready)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (sim.gateway.identifies, sim.gateway.starts.left) == (1, 4)
        assert ["no new session" in (reason or "") for reason in told] == [True]
        assert link.adapter.unready_reason is not None


async def test_a_session_that_never_begins_is_tried_ever_less_often() -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.close_on_identify = 4000
        link, running = await logging_in(sim, identify_delay_seconds=0)
        await until(lambda: sim.gateway.identifies >= 14)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        waits = link.waits
        assert all(wait >= 5 * 0.75 for wait in waits)
        assert sum(waits[:12]) > 3_600, "fewer than a hundred in a day"
        assert sim.gateway.identifies <= len(waits) + 1


@pytest.mark.slow
async def test_sessions_that_end_at_once_for_ever_keep_to_a_few_hundred_a_day() -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=5.0) as link:
        for times in range(2, 75):
            sim.gateway.invalidate()
            await link.until(is_ready, times)
        assert sum(link.waits[-10:]) > 10 * 200, "four minutes for each, once sixty were begun in quick succession"


@pytest.mark.parametrize("token", ["a\nb", "a b", "", "ä"])
async def test_what_cannot_be_a_token_is_refused_and_not_sent(token: str) -> None:
    async with Simulator(small_world()) as sim:
        adapter = make_adapter(sim)
        adapter._token = token
        running = asyncio.create_task(adapter.run(Connected(adapter, []).record))
        await asyncio.wait({running}, timeout=5)
        assert running.done(), "it is tried again and again, as if the network were at fault"
        with pytest.raises(CredentialRefused):
            await running
        assert sim.requests.count(LOGIN) == 0


async def test_a_token_that_is_revoked_between_two_sessions_stops_it() -> None:
    async with Simulator(small_world()) as sim:
        link, running = await logging_in(sim, identify_delay_seconds=0)
        await link.until(is_ready)
        sim.faults.add(Fault("status", "/gateway/bot", status=401, times=None))
        sim.gateway.invalidate()
        with pytest.raises(CredentialRefused, match="DISCORD_BOT_TOKEN"):
            await asyncio.wait_for(running, PATIENCE_SECONDS)


@pytest.mark.parametrize("guild_id", ["9" * 5_000, "0" * 9, -1, [], None, f"0{GUILD}"])
async def test_a_guild_whose_id_is_none_is_none(guild_id: Any) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        for event in ("GUILD_CREATE", "GUILD_DELETE", "GUILD_UPDATE"):
            sim.gateway.send_raw(event, {"id": guild_id, "name": "odd"}, GUILD)
        sim.change.rename_guild(GUILD, "After")
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "After")
        assert len(link.events) == 2
        assert sim.gateway.resumes == 0


async def test_what_is_told_while_guilds_arrive_late() -> None:
    world = small_world()
    world.guilds[GUILD].unavailable = True
    async with Simulator(world) as sim, connected(sim) as link:
        asking = asyncio.create_task(link.adapter.sync(str(GUILD), lambda s: s.messages(str(TEXT), str(MESSAGES[-2]))))
        await asyncio.sleep(0.05)
        assert not asking.done(), "it waits"
        sim.change.set_guild_available(GUILD)
        assert len((await asyncio.wait_for(asking, PATIENCE_SECONDS)).messages) == 1
