"""The adapter stays connected whatever the gateway does, and stops only where trying again cannot help."""

import asyncio

import pytest

from adapters.discord.simulator import Simulator
from adapters.errors import CredentialRefused
from adapters.events import ChannelDeleted, PlatformEvent, TenantJoined, TenantLeft, TenantsReady
from adapters.records import SkipReason
from tests.support.adapter import connected, make_adapter
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import GUILD, HIDDEN, OTHER_GUILD, POST, TEXT, VOICE, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


def is_ready(event: PlatformEvent) -> bool:
    return isinstance(event, TenantsReady)


async def test_ready_tells_every_guild() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        ready = next(event for event in link.events if isinstance(event, TenantsReady))
        assert {(t.platform_id, t.name) for t in ready.tenants} == {
            (str(GUILD), "Small"),
            (str(OTHER_GUILD), "Elsewhere"),
        }
        assert link.adapter.unready_reason is None
        assert link.adapter.is_member(str(GUILD))
        assert not link.adapter.is_member("1")
        assert "permissions=1115136" in (link.adapter.invite_url or "")


async def test_guilds_that_come_and_go_are_told() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        guild = sim.change.leave_guild(OTHER_GUILD)
        await link.until(lambda event: event == TenantLeft(str(OTHER_GUILD)))
        sim.change.join_guild(guild)
        await link.until(lambda event: isinstance(event, TenantJoined))
        sim.change.rename_guild(GUILD, "Grown")
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "Grown")
        sim.change.set_guild_unavailable(OTHER_GUILD)
        sim.change.set_guild_available(OTHER_GUILD)
        sim.change.delete_thread(POST)
        await link.until(lambda event: event == ChannelDeleted(str(GUILD), str(POST)))
        sim.change.delete_channel(TEXT)
        await link.until(lambda event: event == ChannelDeleted(str(GUILD), str(TEXT)))
        assert sum(isinstance(event, TenantLeft) for event in link.events) == 1, "an outage is no leave"


async def test_malformed_events_end_nothing() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        for event, payload in [
            ("MESSAGE_UPDATE", {"id": "1"}),
            ("CHANNEL_UPDATE", {"guild_id": str(GUILD)}),
            ("CHANNEL_UPDATE", None),
            ("GUILD_CREATE", {"name": "no id"}),
            ("GUILD_ROLE_UPDATE", []),
            ("THREAD_DELETE", {"id": "x"}),
            ("NEVER_HEARD_OF", {}),
        ]:
            sim.gateway.send_raw(event, payload, GUILD)
        sim.change.rename_guild(GUILD, "Still here")
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "Still here")
        assert sum(map(is_ready, link.events)) == 1


async def test_hidden_channels_are_told_as_such_and_shown_again() -> None:
    world = small_world()
    world.obfuscated_voice_keeps_bitrate = False
    async with Simulator(world) as sim, connected(sim) as link:
        sim.change.hide_channel(VOICE)
        sim.change.rename_guild(GUILD, "After")
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "After")
        listed = {r.platform_id: r for r in await link.adapter.sync(str(GUILD), lambda session: session.channels())}
        for hidden in (HIDDEN, VOICE):
            assert listed[str(hidden)].skip_reason is SkipReason.OBFUSCATED
            assert listed[str(hidden)].name is None
        sim.change.show_channel(HIDDEN)
        sim.change.rename_guild(GUILD, "Shown")
        await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "Shown")
        listed = {r.platform_id: r for r in await link.adapter.sync(str(GUILD), lambda session: session.channels())}
        assert (listed[str(HIDDEN)].skip_reason, listed[str(HIDDEN)].name) == (None, "secret")


@pytest.mark.parametrize("code", [1000, 4000, 4001, 4007, 4009, 4008])
async def test_after_an_ordinary_close_it_connects_again(code: int) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.gateway.close(code)
        sim.change.rename_guild(GUILD, "Back")
        await link.until(
            lambda event: (
                (isinstance(event, TenantJoined) and event.tenant.name == "Back")
                or (isinstance(event, TenantsReady) and any(t.name == "Back" for t in event.tenants))
            )
        )
        page = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), None))
        assert page.messages


@pytest.mark.parametrize("code", [4004, 4012, 4013, 4014])
async def test_a_close_that_discord_calls_fatal_stops_it(code: int) -> None:
    async with Simulator(small_world()) as sim:
        adapter = make_adapter(sim)
        ready = asyncio.Event()

        async def on_event(_: PlatformEvent) -> None:
            ready.set()

        running = asyncio.create_task(adapter.run(on_event))
        await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
        sim.gateway.close(code)
        with pytest.raises(CredentialRefused):
            await asyncio.wait_for(running, PATIENCE_SECONDS)


async def test_a_refused_token_stops_it() -> None:
    async with Simulator(small_world()) as sim:
        adapter = make_adapter(sim)
        adapter._token = "wrong"

        async def on_event(_: PlatformEvent) -> None: ...

        with pytest.raises(CredentialRefused, match="DISCORD_BOT_TOKEN"):
            await asyncio.wait_for(adapter.run(on_event), PATIENCE_SECONDS)


async def test_without_the_intent_it_stops_with_the_remedy() -> None:
    world = small_world()
    world.application_flags = 0
    async with Simulator(world) as sim:

        async def on_event(_: PlatformEvent) -> None: ...

        with pytest.raises(CredentialRefused, match="Message Content Intent"):
            await asyncio.wait_for(make_adapter(sim).run(on_event), PATIENCE_SECONDS)
