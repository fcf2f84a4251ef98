"""Messages and reactions change, and the gateway sends the events."""

import pytest

from adapters.discord.simulator.privilege import blank
from tests.support.changes import RecordedChanges, shown


@pytest.mark.slow
def test_a_post_comes_with_its_guild_and_member(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    user = next(iter(recorded.guild.users.values()))
    payload = recorded.changes.post(channel.id, "hello", user.id, mentions=[{"id": str(user.id)}])
    event = recorded.last()
    assert recorded.take() == ["MESSAGE_CREATE"]
    assert event["guild_id"] == str(recorded.guild.id)
    assert event["member"]["nick"] == recorded.guild.nicks[user.id]
    assert "user" not in event["member"]
    assert event["mentions"][0]["member"]["nick"] == recorded.guild.nicks[user.id]
    assert channel.last_message_id == int(payload["id"]) == channel.messages.last_id
    assert "guild_id" not in (channel.messages.get(int(payload["id"])) or {})


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.slow
def test_messages_change_and_go(recorded: RecordedChanges, plain: RecordedChanges, lazy: bool) -> None:
    recorded = plain if lazy else recorded
    channel = next(one for one in recorded.guild.channels.values() if len(one.messages) > 250)
    first, second, third = (int(payload["id"]) for payload in channel.messages.page(limit=3))
    recorded.changes.edit(channel.id, second, "better")
    assert recorded.last()["content"] == "better"
    assert recorded.last()["edited_timestamp"]
    recorded.changes.pin(channel.id, second)
    recorded.changes.delete(channel.id, first)
    recorded.changes.bulk_delete(channel.id, [second, third, 1])
    assert recorded.last()["ids"] == [str(second), str(third)]
    expected = "MESSAGE_UPDATE MESSAGE_UPDATE CHANNEL_PINS_UPDATE MESSAGE_CREATE MESSAGE_DELETE MESSAGE_DELETE_BULK"
    assert recorded.take() == expected.split()
    assert all(channel.messages.get(one) is None for one in (first, second, third))


def test_the_last_message_id_outlives_its_message(plain: RecordedChanges) -> None:
    channel = next(iter(plain.guild.channels.values()))
    newest = channel.messages.last_id or 0
    plain.changes.delete(channel.id, newest)
    assert channel.last_message_id == newest
    assert channel.messages.last_id != newest


def test_links_show_what_they_lead_to_later(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    message_id = int(recorded.changes.post(channel.id, "https://example.com/")["id"])
    embeds = [{"type": "link", "url": "https://example.com/", "title": "An example"}]
    recorded.changes.unfurl(channel.id, message_id, embeds)
    ids = {"id": str(message_id), "channel_id": str(channel.id), "guild_id": str(recorded.guild.id)}
    assert recorded.last() == ids | {"embeds": embeds}
    assert blank(recorded.last(), "1") == ids | {"embeds": []}
    recorded.changes.unfurl(channel.id, message_id, embeds, whole=True)
    assert recorded.last()["embeds"] == embeds
    assert recorded.last()["edited_timestamp"] is None
    recorded.changes.unfurl(channel.id, message_id, [], silent=True)
    assert recorded.take() == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_UPDATE"]
    assert (channel.messages.get(message_id) or {})["embeds"] == []


@pytest.mark.slow
def test_reactions_come_and_go(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    message_id = int(recorded.changes.post(channel.id, "vote")["id"])
    one, two = list(recorded.guild.users)[:2]
    assert recorded.changes.react(channel.id, message_id, "🔥", one)
    assert not recorded.changes.react(channel.id, message_id, "🔥", one)
    recorded.changes.react(channel.id, message_id, "<a:spin:123>", two, burst=True)
    added = recorded.last()
    assert added["emoji"] == {"id": "123", "name": "spin", "animated": True}
    assert (added["burst"], added["type"], added["user_id"]) == (True, 1, str(two))
    assert added["member"]["user"]["id"] == str(two)
    counts = {entry["emoji"]["name"]: entry["count_details"] for entry in shown(channel, message_id)}
    assert counts == {"🔥": {"normal": 1, "burst": 0}, "spin": {"normal": 0, "burst": 1}}
    assert recorded.changes.unreact(channel.id, message_id, "🔥", one)
    recorded.changes.clear_reactions(channel.id, message_id, "spin:123")
    recorded.changes.clear_reactions(channel.id, message_id)
    kinds = ["ADD", "ADD", "REMOVE", "REMOVE_EMOJI", "REMOVE_ALL"]
    assert recorded.take() == ["MESSAGE_CREATE", *(f"MESSAGE_REACTION_{kind}" for kind in kinds)]
    assert shown(channel, message_id) == []


@pytest.mark.slow
def test_silent_changes_send_no_event(recorded: RecordedChanges) -> None:
    channel = recorded.named("general")
    payload = recorded.changes.post(channel.id, "psst", silent=True)
    recorded.changes.hide_channel(channel.id, silent=True)
    recorded.changes.leave_guild(list(recorded.world.guilds)[1], silent=True)
    assert recorded.take() == []
    assert channel.messages.get(int(payload["id"])) is not None
    assert len(recorded.world.guilds) == 2


@pytest.mark.slow
def test_what_the_bot_cannot_view_is_not_sent(recorded: RecordedChanges) -> None:
    recorded.changes.post(recorded.named("hidden").id, "secret")
    assert recorded.take() == []
