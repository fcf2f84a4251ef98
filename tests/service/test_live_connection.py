"""What is reported around a lost connection, and until when every event has been received."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.simulator import Simulator
from adapters.events import LiveEvent, MessageEdited, PlatformEvent, TenantJoined, TenantOutage, TenantsReady
from tests.support.adapter import make_adapter
from tests.support.listening import Listening, listening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import GUILD, MESSAGES, OTHER_GUILD, TEXT, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

EDITED = [str(number) for number in range(50)]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 (nothing tells when received_until() changes)
            await asyncio.sleep(0.005)


def contents(link: Listening) -> list[str]:
    return [event.message.content for event in link.live_events if isinstance(event, MessageEdited)]


def received_until(adapter: DiscordAdapter) -> datetime | None:
    """Until when every event of every shard was received."""
    times = [adapter.received_until(part) for part in adapter.held]
    return min(time for time in times if time) if all(times) and times else None


def readies(link: Listening) -> int:
    return sum(isinstance(event, TenantsReady) for event in link.events)


async def test_the_gateway_is_asked_for_no_more_than_is_told() -> None:
    async with Simulator(small_world()) as sim, listening(sim):
        assert [session.intents for session in sim.gateway._sessions.values()] == [34305]


@pytest.mark.slow
async def test_received_until_goes_with_the_heartbeats_and_never_ahead_of_them() -> None:
    begun = datetime.now(UTC)
    async with Simulator(small_world()) as sim:
        assert received_until(make_adapter(sim)) is None
        sim.gateway.heartbeat_seconds = 0.3
        async with listening(sim) as link:
            await until(lambda: received_until(link.adapter) is not None)
            first = received_until(link.adapter)
            assert first is not None
            assert begun - timedelta(seconds=6) < first < datetime.now(UTC) - timedelta(seconds=5)
            await until(lambda: (received_until(link.adapter) or first) > first)
            sim.gateway.answers_heartbeats = False
            silenced_at = datetime.now(UTC)
            for number in range(20):
                sim.change.edit(TEXT, MESSAGES[0], str(number))
                await asyncio.sleep(0.01)
            silent = received_until(link.adapter)
            assert silent is not None
            assert silent <= silenced_at, "what comes in may have waited on its way"
            sim.gateway.answers_heartbeats = True
            await until(lambda: (received_until(link.adapter) or silent) > silent)
        assert received_until(link.adapter) is None


@pytest.mark.parametrize("lost_by", ["reconnect", "close", "invalidate"])
async def test_a_resume_brings_what_was_missed_and_only_then_goes_on(lost_by: str) -> None:
    times: list[datetime | None] = []

    def note(_: LiveEvent) -> None:
        times.append(received_until(link.adapter))

    async with Simulator(small_world()) as sim, listening(sim, on_live_event=note) as link:
        lose: dict[str, Callable[[], object]] = {
            "reconnect": sim.gateway.reconnect,
            "close": partial(sim.gateway.close, 4000),
            "invalidate": partial(sim.gateway.invalidate, resumable=True),
        }
        await until(lambda: received_until(link.adapter) is not None)
        sim.change.edit(TEXT, MESSAGES[0], "before")
        await link.take()
        times.clear()
        lose[lost_by]()
        for content in EDITED:
            sim.change.edit(TEXT, MESSAGES[0], content)
        await until(lambda: len(times) == len(EDITED))
        await until(lambda: received_until(link.adapter) is not None)
        assert contents(link) == EDITED
        assert set(times) == {None}, "while the missed events come in, more of them may be on their way"
        assert (readies(link), sim.gateway.resumes) == (1, 1)


async def test_a_new_session_counts_once_it_has_been_announced() -> None:
    gate = asyncio.Event()
    gate.set()
    waiting = 0

    async def first(event: PlatformEvent) -> None:
        nonlocal waiting
        if isinstance(event, TenantsReady):
            waiting += 1
            await gate.wait()

    async with Simulator(small_world()) as sim, listening(sim, first) as link:
        await until(lambda: received_until(link.adapter) is not None)
        gate.clear()
        sim.change.leave_guild(OTHER_GUILD, silent=True)
        sim.gateway.invalidate()
        await until(lambda: waiting == 2)
        assert received_until(link.adapter) is None, "nobody knows yet that there was a gap"
        gate.set()
        await until(lambda: received_until(link.adapter) is not None)
        ready = [event for event in link.events if isinstance(event, TenantsReady)]
        assert [len(event.tenants) for event in ready] == [2, 1], "a guild left in the gap is gone"
        assert not link.adapter.is_member(str(OTHER_GUILD))
        sim.change.edit(TEXT, MESSAGES[0], "after")
        await until(lambda: contents(link) == ["after"])


async def test_one_shard_of_two_begins_anew() -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.shards = 2
        async with listening(sim) as link:
            await until(lambda: received_until(link.adapter) is not None)
            lost, kept = sim.gateway._sessions.values()
            del sim.gateway._sessions[lost.id]
            assert lost.connection is not None
            lost.connection.close(4000)
            await until(lambda: readies(link) == 3)
            await until(lambda: received_until(link.adapter) is not None)
            assert kept.id in sim.gateway._sessions
            *_, anew = (event for event in link.events if isinstance(event, TenantsReady))
            guilds = (GUILD, OTHER_GUILD)
            assert [anew.covers(str(guild)) for guild in guilds] == [(g >> 22) % 2 == lost.shard[0] for g in guilds]
            assert len(anew.tenants) == 1, "the other shard's guild has missed nothing"
            sim.change.edit(TEXT, MESSAGES[0], "after")
            assert [type(event) for event in await link.take()] == [MessageEdited]


async def test_an_outage_is_told_and_its_end() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        sim.change.set_guild_unavailable(GUILD)
        await link.until(lambda event: event == TenantOutage(str(GUILD)))
        sim.change.edit(TEXT, MESSAGES[0], "during the outage")
        sim.change.set_guild_available(GUILD)
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.platform_id == str(GUILD))
        sim.change.edit(TEXT, MESSAGES[0], "back")
        await until(lambda: contents(link) == ["back"])
        assert readies(link) == 1
    world = small_world()
    world.guilds[OTHER_GUILD].unavailable = True
    async with Simulator(world) as sim, listening(sim) as link:
        await link.until(lambda event: event == TenantOutage(str(OTHER_GUILD)))
        assert [type(event) for event in link.events] == [TenantsReady, TenantOutage]


async def test_a_handler_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: LiveEvent) -> None:
        raise ValueError(repr(event))

    async with Simulator(small_world()) as sim, listening(sim, on_live_event=fail) as link:
        sim.change.edit(TEXT, MESSAGES[0], "too much")
        await link.take()
    assert "too much" not in caplog.text
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["a change could not be handed on"]
