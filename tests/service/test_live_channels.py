"""Changes of channels and threads are reported as the listing of a sync would give them."""

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Simulator, rich_world
from adapters.discord.simulator.model import Role
from adapters.discord.simulator.permissions import ADMINISTRATOR, ORDINARY, VIEW_CHANNEL
from adapters.events import ChannelChanged
from adapters.records import ChannelRecord, SkipReason
from bot.app import utc_now
from tests.support.listening import Listening, listening
from tests.support.small_world import FORUM, GUILD, HIDDEN, POST, QUIET, TEXT, THREADS, VOICE, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

STAFF = 77


async def changed(link: Listening) -> dict[str, ChannelRecord]:
    """The channels that changed, as they were reported last; nothing else has been reported."""
    incoming = await link.take()
    found = {event.record.platform_id: event.record for event in incoming if isinstance(event, ChannelChanged)}
    assert len(incoming) == sum(isinstance(event, ChannelChanged) for event in incoming)
    return found


async def listed(link: Listening, *channel_ids: int) -> dict[str, ChannelRecord]:
    records = await link.listed()
    return {str(one): records[str(one)] for one in channel_ids}


async def test_channels_made_and_changed() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        made = sim.change.create_channel(GUILD, "brand new", topic="fresh")
        voice = sim.change.create_channel(GUILD, "talking", 2, nsfw=True)
        assert await changed(link) == await listed(link, made.id, voice.id)
        sim.change.rename_channel(TEXT, "renamed")
        sim.change.post(TEXT, "newer")
        sim.change.update_channel(TEXT, topic="about", rate_limit_per_user=5)
        assert await changed(link) == await listed(link, TEXT)
        sim.change.rename_channel(TEXT, "unheard", silent=True)
        sim.change.delete_channel(QUIET)
        assert await changed(link) == {}, "a deletion has an event of its own"


async def test_threads_made_and_changed() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        thread = sim.change.create_thread(TEXT, "beside")
        private = sim.change.create_thread(TEXT, "private", owner_id=sim.world.bot.id, private=True)
        incoming = await changed(link)
        assert incoming == await listed(link, thread.id, private.id)
        assert incoming[str(private.id)].skip_reason is SkipReason.NOT_PUBLIC
        sim.change.rename_channel(POST, "renamed")
        sim.change.unarchive_thread(THREADS[0])
        assert await changed(link) == await listed(link, POST, THREADS[0])
        sim.change.archive_thread(POST)

        async def archived() -> list[ChannelRecord]:
            async def body(session: PlatformSession) -> list[ChannelRecord]:
                pages = session.archived_threads(str(FORUM), None, now=utc_now())
                return [thread async for page in pages for thread in page.threads]

            return await link.adapter.sync(str(GUILD), body)

        assert list((await changed(link)).values()) == await archived()


@pytest.mark.parametrize("bot_keeps", [False, True])
async def test_channels_hidden_and_shown(bot_keeps: bool) -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        for channel_id in (TEXT, VOICE, FORUM):
            sim.change.hide_channel(channel_id, bot_keeps=bot_keeps)
        incoming = await changed(link)
        assert incoming == await listed(link, TEXT, VOICE, FORUM)
        reason = SkipReason.NOT_PUBLIC if bot_keeps else SkipReason.OBFUSCATED
        assert {record.skip_reason for record in incoming.values()} == {reason}
        sim.change.show_channel(FORUM)
        sim.change.show_channel(HIDDEN)
        incoming = await changed(link)
        shown = (FORUM, HIDDEN) if bot_keeps else (FORUM, HIDDEN, POST)
        assert incoming == await listed(link, *shown), "with a channel that appears come its threads"
        assert {record.skip_reason for record in incoming.values()} == {None}


async def test_roles_that_hide_and_show_channels() -> None:
    """No channel has an event of its own where the bot sees it all the same."""
    world = small_world()
    guild = world.guilds[GUILD]
    guild.roles[STAFF] = Role(STAFF, "staff", ADMINISTRATOR)
    guild.bot_role_ids = [STAFF]
    async with Simulator(world) as sim, listening(sim) as link:
        sim.change.set_role_permissions(GUILD, GUILD, ORDINARY | 1 << 6)
        assert await changed(link) == {}, "nothing that matters to who may read"
        before = await link.listed()
        sim.change.post(TEXT, "newer")
        sim.change.set_role_permissions(GUILD, GUILD, ORDINARY & ~VIEW_CHANNEL)
        after = await link.listed()
        incoming = await changed(link)
        assert incoming == {i: record for i, record in after.items() if record.skip_reason != before[i].skip_reason}
        assert {str(TEXT), str(VOICE), str(FORUM)} <= incoming.keys()
        assert {record.skip_reason for record in incoming.values()} == {SkipReason.NOT_PUBLIC}
        sim.change.set_role_permissions(GUILD, GUILD, ORDINARY)
        assert (await changed(link)).keys() == incoming.keys()
        sim.change.set_everyone_permissions(TEXT, deny=0)
        await link.take()
        sim.change.set_role_permissions(GUILD, STAFF, 0)
        incoming = await changed(link)
        assert incoming[str(HIDDEN)].skip_reason is SkipReason.OBFUSCATED, "the bot is a member like any other now"
        assert str(TEXT) not in incoming


@pytest.mark.slow
async def test_every_channel_of_the_rich_world() -> None:
    world = rich_world()
    guild = next(iter(world.guilds.values()))
    async with Simulator(world) as sim, listening(sim) as link:
        for place in (*guild.channels.values(), *guild.threads.values()):
            sim.change.update_channel(place.id)
        incoming = await changed(link)
        rest = await link.listed(guild.id)
        assert incoming.keys() >= rest.keys()
        assert {i: incoming[i] for i in rest} == rest
