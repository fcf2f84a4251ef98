"""Nothing private is reported, of unknown channels only ids, and no user's id or name at all."""

import asyncio

import pytest

from adapters.discord.simulator import Life, Simulator, rich_world
from adapters.discord.simulator.message_payloads import message
from adapters.discord.simulator.permissions import ORDINARY, READ_MESSAGE_HISTORY, can_read
from adapters.discord.simulator.truth import secrets
from adapters.events import (
    ChannelChanged,
    LiveEvent,
    MessageEdited,
    MessageInvalidated,
    MessagesDeleted,
    ReactionChanged,
)
from tests.support.listening import at, edited, listening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import (
    CLOSED_VOICE,
    GUILD,
    HIDDEN,
    MESSAGES,
    NO_HISTORY,
    READER,
    TEXT,
    THREADS,
    WRITER,
    small_world,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

FIRST = MESSAGES[0]
EMBED = {"type": "link", "url": "https://example.com/", "title": f"by <@{WRITER.id}>"}


def stir(sim: Simulator, channel_id: int, message_id: int) -> None:
    """Everything that can happen to a message, but for its end."""
    sim.change.edit(channel_id, message_id, "changed")
    sim.change.unfurl(channel_id, message_id, [EMBED])
    sim.change.react(channel_id, message_id, "🔥", READER.id)
    sim.change.unreact(channel_id, message_id, "🔥", READER.id)
    sim.change.clear_reactions(channel_id, message_id)


async def test_what_is_not_public_is_not_told() -> None:
    world = small_world()
    guild = world.guilds[GUILD]
    places = {one: guild.channels[one] for one in (HIDDEN, NO_HISTORY, CLOSED_VOICE)}
    for number, place in enumerate(places.values()):
        place.messages.put(message(MESSAGES[number], place.id, WRITER, "secret"))
    async with Simulator(world) as sim, listening(sim) as link:
        sim.change.set_bot_permissions(HIDDEN, allow=1 << 10)
        private = sim.change.create_thread(TEXT, "private", owner_id=world.bot.id, private=True)
        inside = sim.change.create_thread(HIDDEN, "inside", owner_id=world.bot.id)
        await link.take()
        for place in (*places.values(), private, inside):
            one = int(sim.change.post(place.id, "secret")["id"])
            stir(sim, place.id, one)
            sim.change.delete(place.id, one)
            sim.change.bulk_delete(place.id, [place.messages.last_id or 0])
        assert await link.take() == []


@pytest.mark.parametrize("by_role", [False, True])
async def test_a_channel_is_told_of_while_it_is_public(by_role: bool) -> None:
    def show(is_shown: bool) -> None:
        if by_role:
            sim.change.set_role_permissions(GUILD, GUILD, ORDINARY if is_shown else ORDINARY & ~READ_MESSAGE_HISTORY)
        else:
            sim.change.set_everyone_permissions(TEXT, deny=0 if is_shown else READ_MESSAGE_HISTORY)

    async with Simulator(small_world()) as sim, listening(sim) as link:
        for is_shown in (True, False, True):
            show(is_shown)
            await link.take()
            stir(sim, TEXT, FIRST)
            assert len(await link.take()) == (5 if is_shown else 0)


async def test_of_an_unknown_thread_only_ids_are_told() -> None:
    """It was archived before the bot came: the gateway has not shown whose it is."""
    world = small_world()
    world.guilds[GUILD].threads[THREADS[0]].messages.put(message(FIRST, THREADS[0], WRITER, "old"))
    async with Simulator(world) as sim, listening(sim) as link:
        stir(sim, THREADS[0], FIRST)
        sim.change.delete(THREADS[0], FIRST)
        touched: LiveEvent = MessageInvalidated(channel=at(THREADS[0]), message_platform_id=str(FIRST))
        gone = MessagesDeleted(channel=at(THREADS[0]), message_platform_ids=(str(FIRST),))
        assert await link.take() == [touched] * 5 + [gone]
        sim.change.unarchive_thread(THREADS[0])
        sim.change.archive_thread(THREADS[0])
        await link.take()
        sim.change.post(THREADS[0], "new", silent=True)
        one = world.guilds[GUILD].threads[THREADS[0]].messages.last_id or 0
        sim.change.edit(THREADS[0], one, "newer")
        assert await link.take() == [await edited(link, THREADS[0], one)], "it has been shown by now"


async def test_whatever_message_it_is_an_edit_tells_what_rest_gives_and_nobodys_id() -> None:
    world = rich_world()
    guild = next(iter(world.guilds.values()))
    ids, names = secrets(world)
    async with Simulator(world) as sim, listening(sim) as link:
        before = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            for place in (*guild.channels.values(), *guild.threads.values()):
                for payload in place.messages.page(limit=40) if can_read(guild, place, "bot") else ():
                    sim.change.edit(place.id, int(payload["id"]))
                    sim.change.react(place.id, int(payload["id"]), "🔥")
                    before[payload["id"]] = place.id
            incoming = await link.take()
            edits = [event for event in incoming if isinstance(event, MessageEdited)]
            for event in edits:
                record = await link.read(before[event.message.platform_id], int(event.message.platform_id))
                assert event.message == record
        assert len(edits) > 300
        life = Life(sim.change, seed=3)
        for _ in range(300):
            life.step()
        incoming += await link.take()
    assert {type(event) for event in incoming} >= {MessageEdited, MessageInvalidated, ReactionChanged, ChannelChanged}
    text = repr(incoming)
    assert [secret for secret in ids | names if secret in text] == []
