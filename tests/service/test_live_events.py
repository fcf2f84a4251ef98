"""Changes of messages are reported as they happen, whole and in order."""

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.payloads import user_payload
from adapters.events import (
    ChannelChanged,
    MessageEdited,
    MessageInvalidated,
    MessageMissed,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
)
from adapters.privacy import UserHasher
from tests.support.listening import at, edited, listening
from tests.support.small_world import GUILD, MESSAGES, POST, READER, TEXT, WRITER, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

FIRST, SECOND, THIRD = MESSAGES[:3]
EMBED = {"type": "link", "url": "https://example.com/", "title": f"by <@{WRITER.id}>"}
HASH = UserHasher().of


def reaction(emoji_key: str, emoji: str, *, burst: bool = False, is_given: bool = True) -> ReactionChanged:
    return ReactionChanged(
        channel=at(),
        message_platform_id=str(FIRST),
        emoji_key=emoji_key,
        emoji=emoji,
        user_hash=HASH(str(READER.id)),
        burst=burst,
        is_given=is_given,
    )


async def test_an_edit_is_told_whole() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        sim.change.react(TEXT, FIRST, "🔥", silent=True)
        sim.change.edit(TEXT, FIRST, f"better, <@{READER.id}>")
        assert await link.take() == [await edited(link, TEXT, FIRST)]
        reply = int(sim.change.post(TEXT, "an answer", reply_to=SECOND)["id"])
        sim.change.edit(TEXT, reply, "another answer")
        sim.change.edit(POST, POST, "How does one not?")
        sim.change.pin(TEXT, SECOND)
        assert await link.take() == [
            await edited(link, TEXT, reply),
            await edited(link, POST, POST),
            await edited(link, TEXT, SECOND),
        ]
        sim.change.edit(TEXT, FIRST, "unheard", silent=True)
        assert await link.take() == []


async def test_a_thread_on_a_message_changes_both() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        sim.change.create_thread(TEXT, "on it", from_message=FIRST)
        made, hung = await link.take()
        assert isinstance(made, ChannelChanged)
        assert hung == await edited(link, TEXT, FIRST)
        assert isinstance(hung, MessageEdited)
        assert hung.message.metadata["thread_id"] == str(FIRST) == made.record.platform_id


async def test_embeds_alone_are_a_touch() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        sim.change.unfurl(TEXT, FIRST, [EMBED])
        assert await link.take() == [MessageInvalidated(channel=at(), message_platform_id=str(FIRST))]
        sim.change.unfurl(TEXT, SECOND, [EMBED], whole=True)
        assert await link.take() == [await edited(link, TEXT, SECOND)]
        assert (await link.read(TEXT, FIRST)).metadata["embeds"] == (await link.read(TEXT, SECOND)).metadata["embeds"]


async def test_deletions_are_told() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        sim.change.delete(TEXT, FIRST)
        sim.change.bulk_delete(TEXT, [SECOND, THIRD])
        sim.change.bulk_delete(TEXT, [SECOND])
        assert await link.take() == [
            MessagesDeleted(channel=at(), message_platform_ids=(str(FIRST),)),
            MessagesDeleted(channel=at(), message_platform_ids=(str(SECOND), str(THIRD))),
        ]


async def test_reactions_are_told_by_the_keys_of_their_rows() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        for emoji in ("🔥", "<a:spin:123>", "still:124"):
            sim.change.react(TEXT, FIRST, emoji, READER.id, burst=emoji == "🔥")
        given = [reaction("🔥", "🔥", burst=True), reaction("123", "<a:spin:123>"), reaction("124", "<:still:124>")]
        assert await link.take() == given
        sent = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), str(FIRST - 1)))
        page = sent.messages
        assert [(t.emoji_key, t.emoji) for t in page[0].reaction_totals] == [(g.emoji_key, g.emoji) for g in given]
        sim.change.unreact(TEXT, FIRST, "🔥", READER.id, burst=True)
        sim.change.clear_reactions(TEXT, FIRST, "<a:spin:123>")
        sim.change.clear_reactions(TEXT, FIRST)
        assert await link.take() == [
            reaction("🔥", "🔥", burst=True, is_given=False),
            ReactionsCleared(channel=at(), message_platform_id=str(FIRST), emoji_key="123"),
            ReactionsCleared(channel=at(), message_platform_id=str(FIRST), emoji_key=None),
        ]


async def test_an_emoji_called_like_the_author_has_one_key() -> None:
    world = small_world()
    heart = WRITER.username
    world.guilds[GUILD].channels[TEXT].messages.react(FIRST, {"id": None, "name": heart}, user_payload(READER))
    async with Simulator(world) as sim, listening(sim) as link:
        sent = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), str(FIRST - 1)))
        page = sent.messages
        sim.change.unreact(TEXT, FIRST, heart, READER.id)
        (taken,) = await link.take()
        assert isinstance(taken, ReactionChanged)
        assert taken.emoji_key == page[0].reaction_totals[0].emoji_key


@pytest.mark.slow
async def test_a_burst_keeps_its_order() -> None:
    async with Simulator(small_world()) as sim, listening(sim) as link:
        expected: list[str] = []
        for number in range(1_500):
            one = MESSAGES[number % 200]
            if number % 3:
                sim.change.edit(TEXT, one, f"version {number}")
                expected.append(f"version {number}")
            else:
                sim.change.react(TEXT, one, f"e{number}:{number + 1}", READER.id)
                expected.append(str(number + 1))
        incoming = [
            e.message.content if isinstance(e, MessageEdited) else getattr(e, "emoji_key", "")
            for e in await link.take()
        ]
        assert incoming == expected


async def test_malformed_events_end_nothing_and_are_a_touch_where_they_can_be() -> None:
    where = {"guild_id": str(GUILD), "channel_id": str(TEXT)}
    who = {"user_id": str(READER.id), "emoji": {"name": "🔥"}, "burst": False}
    async with Simulator(small_world()) as sim, listening(sim) as link:
        for event, payload in [
            ("MESSAGE_UPDATE", {**where, "id": "1", "author": None, "content": ["odd"]}),
            ("MESSAGE_REACTION_ADD", {**where, **who, "message_id": "2", "emoji": None}),
            ("MESSAGE_REACTION_REMOVE", {**where, **who, "message_id": "3", "user_id": "x"}),
            ("MESSAGE_REACTION_REMOVE_EMOJI", {**where, "message_id": "4", "emoji": {}}),
            ("MESSAGE_DELETE_BULK", {**where, "ids": [None, "5", {}]}),
            ("MESSAGE_UPDATE", {**where, "content": "no id"}),
            ("MESSAGE_UPDATE", {"id": "1", "channel_id": str(TEXT)}),
            ("MESSAGE_UPDATE", {"id": "1", "guild_id": str(GUILD), "channel_id": [1]}),
            *((event, payload) for event in ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK") for payload in (where, None, [])),
            ("MESSAGE_REACTION_ADD", {**where, **who, "message_id": {}}),
            ("MESSAGE_CREATE", {**where, "id": None}),
            ("CHANNEL_UPDATE", {**where, "id": []}),
            ("THREAD_UPDATE", {**where, "id": "7"}),
            ("THREAD_LIST_SYNC", {**where, "threads": 7}),
            ("GUILD_ROLE_UPDATE", {**where, "role": {"id": "x", "permissions": []}}),
        ]:
            sim.gateway.send_raw(event, payload, GUILD)
        incoming = await link.take()
        assert incoming[:4] == [
            MessageInvalidated(channel=at(), message_platform_id=str(number)) for number in range(1, 5)
        ]
        assert incoming[4:] == [
            MessagesDeleted(channel=at(), message_platform_ids=("5",)),
            MessageMissed(channel=at(), message_platform_id=None),
        ]
        sim.change.edit(TEXT, FIRST, "still here")
        assert await link.take() == [await edited(link, TEXT, FIRST)]
