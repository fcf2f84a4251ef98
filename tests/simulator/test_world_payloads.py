"""The world's payloads against Discord's own description of its API, where that lies beside the project."""

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from adapters.discord.simulator import World, demo_world, payloads, rich_world, tree_world, uniform_world
from adapters.discord.simulator.lazy import LazyStore

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CHECKER = SHARED / "tools" / "validate_response.py"
DESCRIPTION = SHARED / "discord-api" / "openapi.json"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not here")

DEVIATIONS = {
    ("value", "$[].type", "channels"): "media channels (16) are documented, not described; 99 stands for types to come",
    ("value", "$[].type", "messages"): "13, 30, 44 and 63 have been seen, documented (44) or taken by discord.py (63)",
    (
        "value",
        "$[].message_reference.type",
        "messages",
    ): "forwards (1) are documented; the description knows type 0 alone",
    (
        "missing",
        "$[].message_reference.type",
        "messages",
    ): "older messages have no type; the mapping says what it is then",
    (
        "missing",
        "$[].message_reference.channel_id",
        "messages",
    ): "documented as optional; the mapping says what it is then",
    ("union", "$[].components[]", "messages"): "labels (18) and components to come (99): an archive must outlive them",
    ("missing", "$[].poll.results", "messages"): "documented: missing results are unknown, which is not zero",
    ("null", "$[].poll.expiry", "messages"): "documented as nullable",
    ("missing", "$[].author", "messages"): "broken on purpose: an archive must not fail on it",
    ("missing", "$[].timestamp", "messages"): "broken on purpose",
    ("value", "$[].timestamp", "messages"): "broken on purpose",
    ("null", "$[].content", "messages"): "broken on purpose",
    ("null", "$[].flags", "messages"): "broken on purpose",
    ("null", "$[].mentions", "messages"): "broken on purpose",
    ("null", "$[].embeds", "messages"): "broken on purpose",
    ("null", "$[].attachments", "messages"): "broken on purpose",
    ("null", "$[].components", "messages"): "broken on purpose",
}
"""What stays although the description forbids it: (kind, where, in which answer) and why."""

UNDESCRIBED = {
    "$[].interaction.member": "the deprecated interaction carried a member on the gateway",
    "$[].interaction_metadata.name": "documented (command name), not described",
    "$[].interaction_metadata.command_type": "documented, not described",
    "$[].interaction_metadata.triggering_interaction_metadata.name": "the same, one level down",
    "$[].interaction_metadata.triggering_interaction_metadata.command_type": "the same, one level down",
    "$[].components[].components[].components[].spoiler": "seen on text displays",
    "$[].components[].component": "a label's, see above",
    "$[].components[].label": "a label's",
    "$[].components[].description": "a label's",
    "$[].components[].mystery": "stands for fields to come",
    "$[].resolved.messages": "documented, not described",
    "$[].new_field": "stands for fields to come",
}
"""Fields that the description does not know, and why they are sent."""


@cache
def checker() -> Any:
    """The judge that the project's workshop shares."""
    specification = importlib.util.spec_from_file_location("validate_response", CHECKER)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    assert isinstance(module, ModuleType)
    specification.loader.exec_module(module)
    return module.Spec.load(str(DESCRIPTION))


def answers(world: World) -> Iterator[tuple[str, str, Any]]:
    """What kind of answer, its path in the description, and its body."""
    yield "user", "/users/@me", payloads.self_user_payload(world)
    yield "application", "/oauth2/applications/@me", payloads.application_payload(world)
    for guild in world.guilds.values():
        yield "guild", "/guilds/{guild_id}", payloads.guild_payload(guild)
        yield "channels", "/guilds/{guild_id}/channels", payloads.rest_channels(world, guild)
        yield "roles", "/guilds/{guild_id}/roles", [payloads.role_payload(role) for role in guild.roles.values()]
        yield "threads", "/guilds/{guild_id}/threads/active", payloads.active_threads(world, guild)
        for channel in guild.channels.values():
            found, more = payloads.archived_threads(world, guild, channel.id, limit=20)
            body = {"threads": found, "members": [], "has_more": more}
            yield "threads", "/channels/{channel_id}/threads/archived/public", body
            yield "messages", "/channels/{channel_id}/messages", channel.messages.page(limit=60)


def findings(world: World) -> set[tuple[str, str, str]]:
    """Every way in which the answers differ from the description."""
    return {
        (kind, where, answer)
        for answer, path, body in answers(world)
        for kind, where, _, _ in checker().check("get", path, body)
    }


@pytest.mark.slow
def test_every_payload_of_the_rich_world_conforms_or_deviates_with_reason() -> None:
    world = rich_world()
    guild = next(iter(world.guilds.values()))
    # Pages hold 60 messages; the shapes that are not among a channel's newest are judged here.
    older = [message for channel in guild.channels.values() for message in list(channel.messages)[:-60][:120]]
    found = findings(world)
    found |= {
        (kind, where, "messages")
        for kind, where, _, _ in checker().check("get", "/channels/{channel_id}/messages", older)
    }
    allowed = DEVIATIONS.keys() | {("extra", where, "messages") for where in UNDESCRIBED}
    assert found - allowed == set()
    assert allowed - found == set(), "listed, but no longer there"


@pytest.mark.parametrize("make", [lambda: uniform_world(2, 400, threads=3), lambda: tree_world(5, 30), demo_world])
@pytest.mark.slow
def test_the_other_worlds_conform(make: Any) -> None:
    assert findings(make()) == set()


@pytest.mark.slow
def test_lazy_messages_of_every_template_conform() -> None:
    world = uniform_world(1, 2_000)
    guild = next(iter(world.guilds.values()))
    store = next(iter(guild.channels.values())).messages
    assert isinstance(store, LazyStore)
    for page in range(3):
        body = store.page(after=store.id_at(page * 600), limit=100)
        assert checker().check("get", "/channels/{channel_id}/messages", body) == []


@pytest.mark.slow
def test_reaction_users_conform() -> None:
    guild = next(iter(rich_world().guilds.values()))
    channel = next(one for one in guild.channels.values() if one.name == "reactions")
    message = next(one for one in channel.messages if one["content"] == "more than two pages")
    users = channel.messages.reaction_users(int(message["id"]), "❤️", 0, None, 100)
    path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
    assert checker().check("get", path, users) == []
