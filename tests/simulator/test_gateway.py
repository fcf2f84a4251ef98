"""The gateway as the real discord.py sees it."""

import asyncio

import discord
import pytest

from adapters.discord.simulator import Fault, Simulator, rich_world
from adapters.discord.simulator.request_log import GATEWAY
from tests.support.clients import (
    KINDS,
    WatchedAutoSharded,
    WatchedClient,
    client_of,
    how_start_ends,
    logged_in,
    point_at,
)
from tests.support.small_world import GUILD, HIDDEN, MESSAGES, OTHER_GUILD, READER, TEXT, THREADS, VOICE, WRITER

either_kind = pytest.mark.parametrize("kind", KINDS)


@either_kind
async def test_a_client_becomes_ready_and_receives_what_happens(sim: Simulator, kind: type[discord.Client]) -> None:
    received: list[discord.Message] = []
    async with logged_in(sim, kind) as client:
        assert {guild.id for guild in client.guilds} == {GUILD, OTHER_GUILD}
        assert client.application_flags.gateway_message_content

        async def on_message(message: discord.Message) -> None:
            received.append(message)

        client.event(on_message)
        sim.change.post(TEXT, "fresh", WRITER.id)
        sim.change.edit(TEXT, MESSAGES[0], "edited")
        sim.change.react(TEXT, MESSAGES[0], "👍", READER.id)
        sim.change.delete(TEXT, MESSAGES[1])
        sim.change.unarchive_thread(THREADS[0])
        sim.change.create_channel(GUILD, "annex")
        await client.until("guild_channel_create")
        await asyncio.sleep(0)
    assert [message.content for message in received] == ["fresh"]
    expected = ("raw_message_edit", "raw_reaction_add", "raw_message_delete", "raw_thread_update", "thread_join")
    assert {name: client.seen.count(name) for name in expected} == dict.fromkeys(expected, 1)


@either_kind
@pytest.mark.slow
async def test_a_world_with_everything_in_it_becomes_ready(
    monkeypatch: pytest.MonkeyPatch, kind: type[discord.Client]
) -> None:
    world = rich_world(1)
    async with Simulator(world) as sim:
        point_at(sim, monkeypatch)
        async with logged_in(sim, kind) as client:
            found = {channel.id for channel in client.get_all_channels()}
    assert {guild.id for guild in client.guilds} == set(world.guilds)
    channels = [channel for guild in world.guilds.values() for channel in guild.channels.values()]
    known = {0, 2, 4, 5, 13, 15, 16}  # discord.py drops channels of other types
    assert found == {channel.id for channel in channels if channel.type in known}


@either_kind
async def test_after_op_7_the_client_resumes_and_misses_nothing(sim: Simulator, kind: type[discord.Client]) -> None:
    async with logged_in(sim, kind) as client:
        guild = client.get_guild(GUILD)
        sim.gateway.reconnect()
        sim.change.post(TEXT, "in between", WRITER.id)
        await client.until("resumed")
        await client.until("message")
        assert client.get_guild(GUILD) is guild
    assert (sim.gateway.identifies, sim.gateway.resumes, client.seen.count("message")) == (1, 1, 1)


@either_kind
async def test_after_op_9_the_client_identifies_again(sim: Simulator, kind: type[discord.Client]) -> None:
    async with logged_in(sim, kind) as client:
        guild = client.get_guild(GUILD)
        sim.gateway.invalidate()
        await client.until("ready", times=2)
        assert client.get_guild(GUILD) is not guild
    assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 0)


async def test_after_a_resumable_op_9_the_client_resumes(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.gateway.invalidate(resumable=True)
        await client.until("resumed")
    assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 1)


@pytest.mark.parametrize(("code", "again"), [(4000, "resumed"), (4008, "resumed"), (4009, "ready"), (4007, "ready")])
async def test_closes_that_a_client_gets_over(sim: Simulator, code: int, again: str) -> None:
    async with logged_in(sim) as client:
        sim.gateway.close(code)
        await client.until(again, times=2 if again == "ready" else 1)
    assert sim.gateway.identifies == (2 if again == "ready" else 1)


@either_kind
@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013])
async def test_fatal_closes_end_start(sim: Simulator, kind: type[discord.Client], code: int) -> None:
    sim.gateway.close_on_identify = code
    error = await how_start_ends(client_of(kind), sim.world.token)
    assert isinstance(error, discord.ConnectionClosed)
    assert error.code == code


@either_kind
async def test_a_content_intent_that_is_not_granted_ends_start(sim: Simulator, kind: type[discord.Client]) -> None:
    sim.world.application_flags = 0
    error = await how_start_ends(client_of(kind), sim.world.token)
    assert isinstance(error, discord.PrivilegedIntentsRequired)


async def test_a_refused_token_fails_the_login(sim: Simulator) -> None:
    error = await how_start_ends(WatchedClient(), "another-token")
    assert isinstance(error, discord.LoginFailure)
    assert sim.requests.count("/users/@me", status=401) == 1


async def test_too_few_shards_are_refused_and_enough_are_served(sim: Simulator) -> None:
    sim.gateway.shards = sim.gateway.minimum_shards = 2
    refused = await how_start_ends(WatchedClient(), sim.world.token)
    assert isinstance(refused, discord.ConnectionClosed)
    assert refused.code == 4011
    async with logged_in(sim, discord.AutoShardedClient, shard_ids=[0, 1], shard_count=2) as client:
        assert {guild.id: guild.shard_id for guild in client.guilds} == {
            GUILD: (GUILD >> 22) % 2,
            OTHER_GUILD: (OTHER_GUILD >> 22) % 2,
        }


async def test_one_malformed_event_ends_start(sim: Simulator) -> None:
    """What the adapter has to guard against; if discord.py learns to, the guards can go."""
    client = WatchedClient()
    ending = asyncio.create_task(how_start_ends(client, sim.world.token))
    await client.until("ready")
    original = sim.world.guilds[GUILD].channels[TEXT].messages.get(MESSAGES[0])
    assert original is not None
    without_type = {key: value for key, value in original.items() if key != "type"}
    sim.gateway.send_raw("MESSAGE_UPDATE", without_type | {"guild_id": str(GUILD)}, GUILD)
    error = await ending
    assert isinstance(error, KeyError)
    assert error.args == ("type",)


async def test_an_obfuscated_voice_channel_without_bitrate_ends_start(sim: Simulator) -> None:
    sim.world.obfuscated_voice_keeps_bitrate = False
    client = WatchedAutoSharded()
    ending = asyncio.create_task(how_start_ends(client, sim.world.token))
    await client.until("ready")
    sim.change.hide_channel(VOICE)
    error = await ending
    assert isinstance(error, KeyError)
    assert error.args == ("bitrate",)


async def test_a_hidden_channel_is_obfuscated_and_shown_again_in_full(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        guild = client.get_guild(GUILD)
        assert guild is not None
        assert str(guild.get_channel(HIDDEN)) == "___hidden___"
        sim.change.show_channel(HIDDEN)
        await client.until("guild_channel_update")
        assert str(guild.get_channel(HIDDEN)) == "secret"


async def test_an_outage_is_no_leave(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.change.set_guild_unavailable(OTHER_GUILD)
        await client.until("guild_unavailable")
        sim.change.set_guild_available(OTHER_GUILD)
        await client.until("guild_available")
        guild = sim.change.leave_guild(OTHER_GUILD)
        await client.until("guild_remove")
        sim.change.join_guild(guild)
        await client.until("guild_join")
    assert client.seen.count("guild_remove") == 1


async def test_a_guild_in_an_outage_is_listed_but_not_created(sim: Simulator) -> None:
    sim.change.set_guild_unavailable(OTHER_GUILD, silent=True)
    async with logged_in(sim) as client:
        assert {guild.id: guild.unavailable for guild in client.guilds} == {GUILD: False, OTHER_GUILD: True}


async def test_a_resume_that_is_never_accepted_leads_to_a_new_session(sim: Simulator) -> None:
    sim.gateway.resumable = False
    async with logged_in(sim) as client:
        sim.gateway.reconnect()
        await client.until("ready", times=2)
    assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 0)


@pytest.mark.slow
async def test_the_handshake_can_fail_too(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault("status", GATEWAY, status=503))
        sim.gateway.reconnect()
        await client.until("resumed")
    assert sim.requests.count(GATEWAY, status=503) == 1
    assert sim.requests.count(GATEWAY, status=101) == 2
