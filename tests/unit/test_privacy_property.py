"""Whatever place of a real payload holds a user, no id and no name of theirs is in the record that becomes of it.

The contract is docs/discord-mapping.md: an id of 17 digits or more in any text, a name where the payload also holds
its user. The payloads are those of the simulator's rich world, with everything that Discord's documentation shows.
"""

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.convert import message_record, thread_record
from adapters.discord.gateway.roster import GuildRoster
from adapters.discord.permissions import ChannelEvaluator, everyone
from adapters.discord.simulator import rich_world
from adapters.discord.simulator.payloads import channel_payload, guild_create, role_payload
from adapters.privacy import UserHasher
from tests.support.examples import examples

HASH = UserHasher(b"a key").of
WORLD = rich_world()
GUILDS = list(WORLD.guilds.values())
PLACES = [(guild, place) for guild in GUILDS for place in (*guild.channels.values(), *guild.threads.values())]
MESSAGES = [payload for _, place in PLACES for payload in list(place.messages)[:400]]
BY_SHAPE = list({tuple(sorted(payload)): payload for payload in MESSAGES}.values())  # one of each set of fields


@dataclass(frozen=True)
class Person:
    """Somebody whose id and name must not come out."""

    id: str
    name: str

    @property
    def user(self) -> dict[str, Any]:
        return {"id": self.id, "username": self.name, "global_name": self.name, "avatar": "a_1", "discriminator": "0"}


# Letters that no hash and no other word here holds.
PEOPLE = st.builds(
    Person,
    id=st.integers(10**16, 2**63 - 1).map(str),
    name=st.text("ʘζЖ字 _.'", min_size=2, max_size=20)
    .map(str.strip)
    .filter(lambda name: len(name) > 1 and "ʘ" in name),
)
Plant = Callable[[dict[str, Any], Person, st.DataObject], None]

ID_IN_TEXT = [
    "{}",
    "<@{}>",
    "<@!{}>",
    "%3C%40{}%3E",
    "%3c%40%21{}%3e",
    "https://discord.com/users/{}",
    "discord://-/users/{}",
    "https://cdn.discordapp.com/avatars/{}/a_0.png?size=64",
    "https://cdn.discordapp.com/guilds/99/users/{}/avatars/x.webp",
    "https://example.org/?user={}&x=1",
    "https://media.discordapp.net/external/x/https/cdn.discordapp.com/banners/{}/b.png",
    "(id:{})",
    "x{}y",
]
TEXT_KEYS = frozenset(
    """content title description url text name value label placeholder filename tier_name topic icon_url content_type
    emoji_name""".split()  # noqa: SIM905
)
NEW_KEYS = ["user_id", "invited_by", "recipients", "a_field_of_next_year", "custom_id", "nonce", "party_id", "user"]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a payload, at any depth."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from objects(inner)


def texts(payload: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where the archive may keep a text of people's: objects with a key of theirs."""
    return [(o, key) for o in objects(payload) for key in o if key in TEXT_KEYS and isinstance(o[key], str)]


def in_a_text(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """A mention, a link, or the bare digits, anywhere in a text."""
    if found := texts(payload):
        place, key = data.draw(st.sampled_from(found))
        at = data.draw(st.integers(0, len(place[key])))
        said = data.draw(st.sampled_from(ID_IN_TEXT)).format(person.id)
        place[key] = f"{place[key][:at]} {said} {place[key][at:]}"


def in_a_new_field(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """A field that this version does not know, anywhere; ids as text, as numbers, as names of fields."""
    place = data.draw(st.sampled_from(list(objects(payload))))
    place[data.draw(st.sampled_from(NEW_KEYS))] = data.draw(
        st.sampled_from([person.id, int(person.id), person.user, [person.user], {person.id: {"nick": person.name}}])
    )


def in_a_users_place(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """Where Discord has users: in place of one that is there, or where one might be."""
    users = [o for o in objects(payload) if "username" in o]
    if users and bool(data.draw(st.booleans())):
        data.draw(st.sampled_from(users)).update(person.user)
        return
    user, number = person.user, data.draw(st.sampled_from([person.id, int(person.id)]))
    embed = {"author": {"name": person.name, "icon_url": f"https://cdn.discordapp.com/avatars/{person.id}/a.png"}}
    select = {"type": 5, "custom_id": person.id, "default_values": [{"id": number, "type": "user"}]}
    payload |= data.draw(
        st.sampled_from(
            [
                {"author": user | {"id": number}, "member": {"nick": person.name}},
                {"mentions": [user | {"id": number, "member": {"nick": person.name, "avatar": "x"}}]},
                {"interaction_metadata": {"type": 2, "user": user, "target_user": user, "name": f"@{person.name}"}},
                {"interaction": {"id": "1", "name": "x", "user": user, "member": {"nick": person.name}}},
                {"referenced_message": {"id": "1", "author": user, "content": person.name}},
                {"application_id": number, "webhook_id": number},
                {"resolved": {"users": {person.id: user}, "members": {person.id: {"nick": person.name}}}},
                {"thread": {"id": "1", "owner_id": number, "member": {"user_id": number}}},
                {"embeds": [embed, {"footer": {"text": person.name, "icon_url": embed["author"]["icon_url"]}}]},
                {"components": [{"type": 1, "components": [select]}]},
                {"message_snapshots": [{"message": {"content": f"<@{person.id}>", "mentions": [user]}}]},
                {"stickers": [{"id": "1", "user": user}], "call": {"participants": [number]}},
                {"attachments": [{"id": "1", "url": "", "filename": "x", "clip_participants": [user]}]},
                {"poll": {"question": {"text": f"<@{person.id}>?"}, "answers": [{"poll_media": {"text": person.id}}]}},
            ]
        )
    )


def by_name(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """Called by name in a text, in a payload that also holds the user."""
    payload["mentions"] = [*payload.get("mentions", []), person.user]
    said = data.draw(st.sampled_from(["@{}", "{}#0042"])).format(person.name)
    # An emoji may be called like a person: it has to have the same key in every message.
    emoji = list(map(id, objects(payload.get("reactions"))))
    words = [(place, key) for place, key in texts(payload) if not key.endswith("url") and id(place) not in emoji]
    for place, key in data.draw(st.lists(st.sampled_from(words), max_size=3, unique_by=str)):
        place[key] = data.draw(st.sampled_from([f"{said}, {place[key]}", f"{place[key]} {said}", person.name]))


def planted(payload: dict[str, Any], data: st.DataObject, *plants: Plant) -> tuple[dict[str, Any], Person]:
    """A copy of a payload with a person in up to six places, by the given plants in their order."""
    copy, person = deepcopy(payload), data.draw(PEOPLE)
    for plant in sorted(data.draw(st.lists(st.sampled_from(plants), min_size=1, max_size=6)), key=plants.index):
        plant(copy, person, data)
    return copy, person


def assert_hidden(person: Person, record: object) -> None:
    """Neither the id nor the name is in the record."""
    assert record is not None
    assert person.id not in repr(record)
    assert person.name not in repr(record)


@given(st.sampled_from(BY_SHAPE), st.data())
@settings(max_examples=examples(400))
@pytest.mark.slow
def test_no_user_comes_out_of_a_message(payload: dict[str, Any], data: st.DataObject) -> None:
    copy, person = planted(payload, data, in_a_text, in_a_new_field, in_a_users_place)
    if data.draw(st.booleans()):  # last and once: a name that is cut, or followed by more, is a plain word
        by_name(copy, person, data)
    assert_hidden(person, message_record(copy, "55", HASH))


def of_a_member(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """An overwrite for a member, a thread's owner and its members."""
    number = data.draw(st.sampled_from([person.id, int(person.id)]))
    overwrite = {"id": number, "type": data.draw(st.sampled_from([1, "member"])), "allow": "1024", "deny": "0"}
    payload["permission_overwrites"] = [*payload.get("permission_overwrites", []), overwrite]
    payload |= {"owner_id": number, "member": {"user_id": number, "member": {"user": person.user}}}


@given(st.sampled_from(PLACES), st.data())
@settings(max_examples=examples(200))
@pytest.mark.slow
def test_no_user_comes_out_of_a_channel_or_thread(place: tuple[Any, Any], data: st.DataObject) -> None:
    guild, channel = place
    copy, person = planted(channel_payload(WORLD, guild, channel), data, in_a_text, in_a_new_field, of_a_member)
    if channel.is_thread:
        assert_hidden(person, thread_record(copy, None, HASH))
    else:
        roles = [role_payload(role) for role in guild.roles.values()]
        evaluator = ChannelEvaluator(str(guild.id), roles, everyone(str(guild.id)), HASH)
        assert_hidden(person, evaluator.channel(copy))


def of_the_guild(payload: dict[str, Any], person: Person, data: st.DataObject) -> None:
    """Its owner, and ids in its own texts."""
    payload["owner_id"] = person.id
    key = data.draw(st.sampled_from(["name", "description"]))
    payload[key] = data.draw(st.sampled_from(ID_IN_TEXT)).format(person.id)


@given(st.sampled_from(GUILDS), st.data())
@settings(max_examples=examples(30))
def test_no_user_comes_out_of_a_guild(guild: Any, data: st.DataObject) -> None:
    copy, person = planted(guild_create(WORLD, guild), data, of_the_guild)

    reported: list[object] = []

    async def arrive() -> None:
        roster = GuildRoster(lambda event, _: reported.append(event), HASH, quiet_seconds=0.05)
        roster.take("GUILD_CREATE", copy)

    asyncio.run(arrive())
    assert reported
    assert_hidden(person, reported)
