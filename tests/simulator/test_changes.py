"""What happens in a world, and what the gateway says about it."""

import pickle
from functools import cache
from typing import Any

import pytest

from adapters.discord.simulator import Changes, Life, rich_world, uniform_world
from adapters.discord.simulator.channel_payloads import HIDDEN_NAME, OBFUSCATED
from adapters.discord.simulator.model import Channel, Guild, World
from adapters.discord.simulator.payloads import active_threads, archived_threads, rest_channels
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY, VIEW_CHANNEL, can_read
from adapters.discord.simulator.privilege import blank


class Told:
    """Changes of a world, and the events they caused."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.changes = Changes(world, lambda name, _, payload: self.events.append((name, payload)))
        self.guild: Guild = next(iter(world.guilds.values()))

    def named(self, name: str) -> Channel:
        return next(one for one in self.guild.channels.values() if one.name == name)

    def take(self) -> list[str]:
        names = [name for name, _ in self.events]
        self.events.clear()
        return names

    def last(self) -> dict[str, Any]:
        return self.events[-1][1]


@cache
def rich_bytes() -> bytes:
    """The rich world, ready to be taken out anew: making it takes a quarter of a second."""
    return pickle.dumps(rich_world())


@pytest.fixture
def told() -> Told:
    return Told(pickle.loads(rich_bytes()))  # noqa: S301 - our own bytes


@pytest.fixture
def plain() -> Told:
    return Told(uniform_world(2, 300, threads=2))


def test_a_post_is_told_with_its_guild_and_member(told: Told) -> None:
    channel = told.named("general")
    user = next(iter(told.guild.users.values()))
    payload = told.changes.post(channel.id, "hello", user.id, mentions=[{"id": str(user.id)}])
    event = told.last()
    assert told.take() == ["MESSAGE_CREATE"]
    assert event["guild_id"] == str(told.guild.id)
    assert event["member"]["nick"] == told.guild.nicks[user.id]
    assert "user" not in event["member"]
    assert event["mentions"][0]["member"]["nick"] == told.guild.nicks[user.id]
    assert channel.last_message_id == int(payload["id"]) == channel.messages.last_id
    assert "guild_id" not in (channel.messages.get(int(payload["id"])) or {})


@pytest.mark.parametrize("lazy", [False, True])
def test_messages_change_and_go(told: Told, plain: Told, lazy: bool) -> None:
    told = plain if lazy else told
    channel = next(one for one in told.guild.channels.values() if len(one.messages) > 250)
    first, second, third = (int(payload["id"]) for payload in channel.messages.page(limit=3))
    told.changes.edit(channel.id, second, "better")
    assert told.last()["content"] == "better"
    assert told.last()["edited_timestamp"]
    told.changes.pin(channel.id, second)
    told.changes.delete(channel.id, first)
    told.changes.bulk_delete(channel.id, [second, third, 1])
    assert told.last()["ids"] == [str(second), str(third)]
    expected = "MESSAGE_UPDATE MESSAGE_UPDATE CHANNEL_PINS_UPDATE MESSAGE_CREATE MESSAGE_DELETE MESSAGE_DELETE_BULK"
    assert told.take() == expected.split()
    assert all(channel.messages.get(one) is None for one in (first, second, third))


def test_the_last_message_id_outlives_its_message(plain: Told) -> None:
    channel = next(iter(plain.guild.channels.values()))
    newest = channel.messages.last_id or 0
    plain.changes.delete(channel.id, newest)
    assert channel.last_message_id == newest
    assert channel.messages.last_id != newest


def test_links_show_what_they_lead_to_later(told: Told) -> None:
    channel = told.named("general")
    message_id = int(told.changes.post(channel.id, "https://example.com/")["id"])
    embeds = [{"type": "link", "url": "https://example.com/", "title": "An example"}]
    told.changes.unfurl(channel.id, message_id, embeds)
    ids = {"id": str(message_id), "channel_id": str(channel.id), "guild_id": str(told.guild.id)}
    assert told.last() == ids | {"embeds": embeds}
    assert blank(told.last(), "1") == ids | {"embeds": []}
    told.changes.unfurl(channel.id, message_id, embeds, whole=True)
    assert told.last()["embeds"] == embeds
    assert told.last()["edited_timestamp"] is None
    told.changes.unfurl(channel.id, message_id, [], silent=True)
    assert told.take() == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_UPDATE"]
    assert (channel.messages.get(message_id) or {})["embeds"] == []


def test_reactions_come_and_go(told: Told) -> None:
    channel = told.named("general")
    message_id = int(told.changes.post(channel.id, "vote")["id"])
    one, two = list(told.guild.users)[:2]
    assert told.changes.react(channel.id, message_id, "🔥", one)
    assert not told.changes.react(channel.id, message_id, "🔥", one)
    told.changes.react(channel.id, message_id, "<a:spin:123>", two, burst=True)
    added = told.last()
    assert added["emoji"] == {"id": "123", "name": "spin", "animated": True}
    assert (added["burst"], added["type"], added["user_id"]) == (True, 1, str(two))
    assert added["member"]["user"]["id"] == str(two)
    counts = {entry["emoji"]["name"]: entry["count_details"] for entry in shown(channel, message_id)}
    assert counts == {"🔥": {"normal": 1, "burst": 0}, "spin": {"normal": 0, "burst": 1}}
    assert told.changes.unreact(channel.id, message_id, "🔥", one)
    told.changes.clear_reactions(channel.id, message_id, "spin:123")
    told.changes.clear_reactions(channel.id, message_id)
    kinds = ["ADD", "ADD", "REMOVE", "REMOVE_EMOJI", "REMOVE_ALL"]
    assert told.take() == ["MESSAGE_CREATE", *(f"MESSAGE_REACTION_{kind}" for kind in kinds)]
    assert shown(channel, message_id) == []


def test_silent_changes_change_and_tell_nobody(told: Told) -> None:
    channel = told.named("general")
    payload = told.changes.post(channel.id, "psst", silent=True)
    told.changes.hide_channel(channel.id, silent=True)
    told.changes.leave_guild(list(told.world.guilds)[1], silent=True)
    assert told.take() == []
    assert channel.messages.get(int(payload["id"])) is not None
    assert len(told.world.guilds) == 2


def test_what_the_bot_cannot_view_is_not_told(told: Told) -> None:
    told.changes.post(told.named("hidden").id, "secret")
    assert told.take() == []


def test_a_thread_rests_wakes_and_goes(told: Told) -> None:
    parent = told.named("general")
    thread = told.changes.create_thread(parent.id, "new")
    assert told.take() == ["THREAD_CREATE", "MESSAGE_CREATE"]
    told.changes.archive_thread(thread.id)
    rested = thread.archive_timestamp
    assert str(thread.id) not in ids(active_threads(told.world, told.guild)["threads"])
    assert ids(archived_threads(told.world, told.guild, parent.id, limit=1)[0]) == [str(thread.id)]
    told.changes.post(thread.id, "again")
    assert not thread.archived
    assert thread.archive_timestamp != rested
    assert thread.message_count == 1
    told.changes.archive_thread(thread.id)
    told.changes.unarchive_thread(thread.id)
    told.changes.delete_thread(thread.id)
    updates = ["THREAD_UPDATE", "THREAD_UPDATE", "MESSAGE_CREATE", "THREAD_UPDATE", "THREAD_UPDATE"]
    assert told.take() == [*updates, "THREAD_DELETE"]


def test_a_thread_on_a_message_has_its_id(told: Told) -> None:
    parent = told.named("general")
    message_id = int(told.changes.post(parent.id, "start here")["id"])
    told.take()
    thread = told.changes.create_thread(parent.id, "on it", from_message=message_id)
    assert thread.id == message_id
    assert told.take() == ["THREAD_CREATE", "MESSAGE_UPDATE", "MESSAGE_CREATE"]
    assert (parent.messages.get(message_id) or {})["thread"]["id"] == str(message_id)
    starter = next(iter(thread.messages))
    assert (starter["type"], starter["referenced_message"]["id"]) == (21, str(message_id))
    told.changes.delete(parent.id, message_id)
    assert next(iter(thread.messages))["referenced_message"] is None


def test_a_posts_first_message_has_its_id(told: Told) -> None:
    forum = told.named("forum")
    post = told.changes.create_thread(forum.id, "a question", "how?", tags=[forum.available_tags[0].id])
    assert told.take() == ["THREAD_CREATE", "MESSAGE_CREATE"]
    assert post.messages.last_id == post.id == forum.last_message_id
    assert post.message_count == 0


def test_a_hidden_channel_is_obfuscated_and_comes_back_whole(told: Told) -> None:
    channel = told.named("general")
    told.changes.hide_channel(channel.id)
    hidden = told.events[0][1]
    assert hidden["name"] == HIDDEN_NAME
    assert hidden["flags"] & OBFUSCATED
    assert hidden["topic"] is None
    assert [rule["id"] for rule in hidden["permission_overwrites"]] == [str(told.guild.id)]
    assert str(channel.id) not in ids(rest_channels(told.world, told.guild))
    told.take()
    told.changes.show_channel(channel.id)
    assert told.events[0][1]["name"] == "general"
    assert told.take() == ["CHANNEL_UPDATE", "THREAD_LIST_SYNC"]
    told.changes.hide_channel(channel.id, bot_keeps=True)
    assert told.last()["name"] == "general"
    assert can_read(told.guild, channel, "bot")
    assert not can_read(told.guild, channel, "everyone")


def test_a_category_appears_with_the_first_channel_in_it(told: Told) -> None:
    told.changes.show_channel(told.named("hidden").id)
    assert {payload["name"] for name, payload in told.events if name == "CHANNEL_UPDATE"} == {"hidden", "Cellar"}


@pytest.mark.parametrize("keeps", [True, False])
def test_obfuscated_voice_may_lack_its_bitrate(told: Told, keeps: bool) -> None:
    told.world.obfuscated_voice_keeps_bitrate = keeps
    told.changes.hide_channel(told.named("voice").id)
    assert ("bitrate" in told.last()) is keeps


def test_the_bots_own_permissions(told: Told) -> None:
    channel = told.named("general")
    told.changes.set_bot_permissions(channel.id, deny=READ_MESSAGE_HISTORY)
    assert told.take() == ["CHANNEL_UPDATE"]
    assert not can_read(told.guild, channel, "bot")
    told.changes.set_role_permissions(told.guild.id, told.guild.id, 0)
    role_events = told.take()
    assert role_events[0] == "GUILD_ROLE_UPDATE"
    assert told.guild.everyone.permissions & VIEW_CHANNEL == 0


def test_channels_come_and_go_with_their_threads(told: Told) -> None:
    channel = told.changes.create_channel(told.guild.id, "brand new", topic="fresh")
    told.changes.rename_channel(channel.id, "less new")
    told.changes.delete_channel(told.named("general").id)
    assert told.take() == ["CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"]
    assert {thread.parent_id for thread in told.guild.threads.values()} <= told.guild.channels.keys()


def test_guilds_are_left_joined_renamed_and_fail(told: Told) -> None:
    guild_id = told.guild.id
    told.changes.rename_guild(guild_id, "New name")
    left = told.changes.leave_guild(guild_id)
    assert "unavailable" not in told.last()
    told.changes.join_guild(left)
    assert "unavailable" not in told.last()
    assert told.last()["name"] == "New name"
    told.changes.set_guild_unavailable(guild_id)
    assert told.last()["unavailable"] is True
    told.changes.post(told.named("general").id, "unheard")
    told.changes.set_guild_available(guild_id)
    assert told.last()["unavailable"] is False
    assert told.take() == ["GUILD_UPDATE", "GUILD_DELETE", "GUILD_CREATE", "GUILD_DELETE", "GUILD_CREATE"]


def test_life_goes_on_the_same_way_for_the_same_seed() -> None:
    first, second = Told(rich_world()), Told(rich_world())
    for told in (first, second):
        life = Life(told.changes, seed=3)
        for _ in range(400):
            life.step()
    assert first.events == second.events
    assert {"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION_ADD", "THREAD_CREATE"} <= set(first.take())


def shown(channel: Channel, message_id: int) -> list[dict[str, Any]]:
    """A message's reactions."""
    return list((channel.messages.get(message_id) or {}).get("reactions", ()))


def ids(payloads: list[dict[str, Any]]) -> list[str]:
    """The ids of payloads, in order."""
    return [payload["id"] for payload in payloads]
