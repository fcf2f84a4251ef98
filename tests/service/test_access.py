"""What a session says of who may read: by requests of its own, whatever the gateway has told or not."""

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.model import Overwrite, Role
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY
from adapters.errors import CallFailed, TenantUnavailable
from adapters.pages import Access
from tests.support.adapter import Connected, connected
from tests.support.small_world import FORUM, GUILD, HIDDEN, NO_HISTORY, POST, QUIET, TEXT, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

MUTED = 77
ROLES, CHANNELS, MEMBER = (
    "/guilds/{guild_id}/roles",
    "/guilds/{guild_id}/channels",
    "/guilds/{guild_id}/members/{user_id}",
)


async def access(link: Connected) -> Access:
    return await link.adapter.sync(str(GUILD), lambda session: session.access())


@pytest.mark.slow
async def test_access_is_what_rest_says_now() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        found = await access(link)
        assert found.may_read(str(TEXT), None)
        assert found.may_read(str(POST), str(FORUM)), "a thread is read where its channel is"
        assert not any(found.may_read(str(one), None) for one in (HIDDEN, NO_HISTORY))
        sim.change.set_bot_permissions(TEXT, deny=READ_MESSAGE_HISTORY, silent=True)
        found = await access(link)
        assert not found.may_read(str(TEXT), None), "the gateway has not told"
        assert found.may_read(str(QUIET), None)


async def test_access_counts_the_roles_that_the_bot_has_now() -> None:
    world = small_world()
    guild = world.guilds[GUILD]
    guild.roles[MUTED] = Role(MUTED, "muted", 0)
    guild.channels[TEXT].overwrites.append(Overwrite(MUTED, 0, deny=READ_MESSAGE_HISTORY))
    async with Simulator(world) as sim, connected(sim) as link:
        for is_muted in (True, False, True):
            guild.bot_role_ids = [MUTED] if is_muted else []
            assert (await access(link)).may_read(str(TEXT), None) is not is_muted, "the gateway has not told"
        assert sim.requests.count(MEMBER) == 3


@pytest.mark.parametrize("route", [ROLES, CHANNELS, MEMBER])
async def test_an_answer_that_cannot_be_true_is_tried_again_then_given_up(route: str) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("empty", route=route))
        assert (await access(link)).may_read(str(TEXT), None)
        assert link.waits == [1]
        sim.faults.add(Fault("empty", route=route, times=None))
        with pytest.raises(CallFailed):
            await access(link)


async def test_membership_is_asked_for() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:

        async def confirm(session: PlatformSession) -> None:
            await session.confirm_membership()

        await link.adapter.sync(str(GUILD), confirm)
        sim.change.leave_guild(GUILD, silent=True)
        for body in (confirm, lambda session: session.access()):
            with pytest.raises(TenantUnavailable):
                await link.adapter.sync(str(GUILD), body)


async def test_changes_are_heard_only_in_the_session_of_the_listing() -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:

        async def body(session: PlatformSession) -> None:
            assert not session.receives_changes, "nothing was listed yet"
            await session.channels()
            assert session.receives_changes
            sim.gateway.invalidate()
            await link.until(lambda _: True, len(link.events) + 1)
            assert not session.receives_changes
            await session.channels()
            assert session.receives_changes

        await link.adapter.sync(str(GUILD), body)
