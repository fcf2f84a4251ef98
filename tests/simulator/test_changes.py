"""Threads, channels and guilds change, and the gateway sends the events."""

import pytest

from adapters.discord.simulator import Life
from adapters.discord.simulator.channel_payloads import HIDDEN_NAME, OBFUSCATED
from adapters.discord.simulator.payloads import active_threads, archived_threads, rest_channels
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY, VIEW_CHANNEL, can_read
from tests.support.changes import RecordedChanges, ids, recorded_rich

pytestmark = pytest.mark.slow


def test_a_thread_rests_wakes_and_goes(recorded: RecordedChanges) -> None:
    parent = recorded.named("general")
    thread = recorded.changes.create_thread(parent.id, "new")
    assert recorded.take() == ["THREAD_CREATE", "MESSAGE_CREATE"]
    recorded.changes.archive_thread(thread.id)
    rested = thread.archive_timestamp
    assert str(thread.id) not in ids(active_threads(recorded.world, recorded.guild)["threads"])
    assert ids(archived_threads(recorded.world, recorded.guild, parent.id, limit=1)[0]) == [str(thread.id)]
    recorded.changes.post(thread.id, "again")
    assert not thread.archived
    assert thread.archive_timestamp != rested
    assert thread.message_count == 1
    recorded.changes.archive_thread(thread.id)
    recorded.changes.unarchive_thread(thread.id)
    recorded.changes.delete_thread(thread.id)
    updates = ["THREAD_UPDATE", "THREAD_UPDATE", "MESSAGE_CREATE", "THREAD_UPDATE", "THREAD_UPDATE"]
    assert recorded.take() == [*updates, "THREAD_DELETE"]


def test_a_thread_on_a_message_has_its_id(recorded: RecordedChanges) -> None:
    parent = recorded.named("general")
    message_id = int(recorded.changes.post(parent.id, "start here")["id"])
    recorded.take()
    thread = recorded.changes.create_thread(parent.id, "on it", from_message=message_id)
    assert thread.id == message_id
    assert recorded.take() == ["THREAD_CREATE", "MESSAGE_UPDATE", "MESSAGE_CREATE"]
    assert (parent.messages.get(message_id) or {})["thread"]["id"] == str(message_id)
    starter = next(iter(thread.messages))
    assert (starter["type"], starter["referenced_message"]["id"]) == (21, str(message_id))
    recorded.changes.delete(parent.id, message_id)
    assert next(iter(thread.messages))["referenced_message"] is None


def test_a_posts_first_message_has_its_id(recorded: RecordedChanges) -> None:
    forum = recorded.named("forum")
    post = recorded.changes.create_thread(forum.id, "a question", "how?", tags=[forum.available_tags[0].id])
    assert recorded.take() == ["THREAD_CREATE", "MESSAGE_CREATE"]
    assert post.messages.last_id == post.id == forum.last_message_id
    assert post.message_count == 0


def test_a_hidden_channel_is_obfuscated_and_comes_back_whole(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    recorded.changes.hide_channel(channel.id)
    hidden = recorded.events[0][1]
    assert hidden["name"] == HIDDEN_NAME
    assert hidden["flags"] & OBFUSCATED
    assert hidden["topic"] is None
    assert [rule["id"] for rule in hidden["permission_overwrites"]] == [str(recorded.guild.id)]
    assert str(channel.id) not in ids(rest_channels(recorded.world, recorded.guild))
    recorded.take()
    recorded.changes.show_channel(channel.id)
    assert recorded.events[0][1]["name"] == "general"
    assert recorded.take() == ["CHANNEL_UPDATE", "THREAD_LIST_SYNC"]
    recorded.changes.hide_channel(channel.id, bot_keeps=True)
    assert recorded.last()["name"] == "general"
    assert can_read(recorded.guild, channel, "bot")
    assert not can_read(recorded.guild, channel, "everyone")


def test_a_category_appears_with_the_first_channel_in_it(recorded: RecordedChanges) -> None:
    recorded.changes.show_channel(recorded.named("hidden").id)
    assert {payload["name"] for name, payload in recorded.events if name == "CHANNEL_UPDATE"} == {"hidden", "Cellar"}


@pytest.mark.parametrize("keeps", [True, False])
def test_obfuscated_voice_may_lack_its_bitrate(recorded: RecordedChanges, keeps: bool) -> None:
    recorded.world.obfuscated_voice_keeps_bitrate = keeps
    recorded.changes.hide_channel(recorded.named("voice").id)
    assert ("bitrate" in recorded.last()) is keeps


def test_the_bots_own_permissions(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    recorded.changes.set_bot_permissions(channel.id, deny=READ_MESSAGE_HISTORY)
    assert recorded.take() == ["CHANNEL_UPDATE"]
    assert not can_read(recorded.guild, channel, "bot")
    recorded.changes.set_role_permissions(recorded.guild.id, recorded.guild.id, 0)
    role_events = recorded.take()
    assert role_events[0] == "GUILD_ROLE_UPDATE"
    assert recorded.guild.everyone.permissions & VIEW_CHANNEL == 0


def test_channels_come_and_go_with_their_threads(recorded: RecordedChanges) -> None:
    channel = recorded.changes.create_channel(recorded.guild.id, "brand new", topic="fresh")
    recorded.changes.rename_channel(channel.id, "less new")
    recorded.changes.delete_channel(recorded.named("general").id)
    assert recorded.take() == ["CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"]
    assert {thread.parent_id for thread in recorded.guild.threads.values()} <= recorded.guild.channels.keys()


def test_guilds_are_left_joined_renamed_and_fail(recorded: RecordedChanges) -> None:
    guild_id = recorded.guild.id
    recorded.changes.rename_guild(guild_id, "New name")
    left = recorded.changes.leave_guild(guild_id)
    assert "unavailable" not in recorded.last()
    recorded.changes.join_guild(left)
    assert "unavailable" not in recorded.last()
    assert recorded.last()["name"] == "New name"
    recorded.changes.set_guild_unavailable(guild_id)
    assert recorded.last()["unavailable"] is True
    recorded.changes.post(recorded.named("general").id, "unseen")
    recorded.changes.set_guild_available(guild_id)
    assert recorded.last()["unavailable"] is False
    assert recorded.take() == ["GUILD_UPDATE", "GUILD_DELETE", "GUILD_CREATE", "GUILD_DELETE", "GUILD_CREATE"]


def test_life_goes_on_the_same_way_for_the_same_seed() -> None:
    first, second = recorded_rich(), recorded_rich()
    for recorded in (first, second):
        life = Life(recorded.changes, seed=3)
        for _ in range(400):
            life.step()
    assert first.events == second.events
    assert {"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION_ADD", "THREAD_CREATE"} <= set(first.take())
