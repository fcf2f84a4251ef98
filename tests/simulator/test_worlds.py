"""The worlds: the same for the same seed, and holding what they promise."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import pytest

from adapters.discord.simulator import demo_world, rich_world, tree_world, uniform_world
from adapters.discord.simulator.model import Channel, Guild, World
from adapters.discord.simulator.payloads import archived_threads, guild_create
from adapters.discord.simulator.uniform import guild_id_of
from bot.demo import _REACTED_PERCENT, _REQUESTS_PER_SECOND

pytestmark = pytest.mark.slow

rich, demo = cache(rich_world), cache(demo_world)  # for who only reads


def everything(world: World) -> str:
    """All of a world as one text."""
    return json.dumps([[guild_create(world, guild), messages(guild)] for guild in world.guilds.values()])


def messages(guild: Guild) -> list[list[dict[str, object]]]:
    """The messages of a guild, place by place."""
    return [list(place.messages) for place in places(guild)]


def places(guild: Guild) -> list[Channel]:
    """Channels and threads."""
    return [*guild.channels.values(), *guild.threads.values()]


def first_guild(world: World) -> Guild:
    """The main guild of a world."""
    return next(iter(world.guilds.values()))


@pytest.mark.parametrize("make", [rich_world, lambda seed: uniform_world(3, 90, seed, threads=4, guilds=2)])
def test_a_seed_makes_one_world(make: Callable[[int], World]) -> None:
    assert everything(make(1)) == everything(make(1))
    assert everything(make(1)) != everything(make(2))


@pytest.mark.parametrize("make", [rich, demo, lambda: uniform_world(2, 50, threads=3, guilds=2)])
def test_ids_are_unique_and_nothing_is_of_the_future(make: Callable[[], World]) -> None:
    world = make()
    now = world.ids.take()
    for guild in world.guilds.values():
        assert len({place.id for place in places(guild)}) == len(places(guild))
        for place in places(guild):
            ids = [int(payload["id"]) for payload in place.messages]
            assert ids == sorted(set(ids))
            assert all(one < now for one in ids)
            assert not ids or (place.last_message_id or 0) >= ids[-1] or place.type in (15, 16)


def test_the_rich_world_has_one_of_everything() -> None:
    guild = first_guild(rich())
    payloads = [payload for place in places(guild) for payload in place.messages]
    assert {0, 2, 4, 5, 13, 14, 15, 16, 99} <= {channel.type for channel in guild.channels.values()}
    assert {10, 11, 12} == {thread.type for thread in guild.threads.values()}
    documented = {*range(13), *range(14, 30), 31, 32, *range(36, 40), 44, 46}
    assert documented | {13, 30, 55, 63} == {payload["type"] for payload in payloads}
    assert 2_000 <= len(payloads) <= 4_000
    keys = {key for payload in payloads for key in payload}
    parts = "sticker_items stickers poll interaction interaction_metadata webhook_id application activity resolved call"
    assert {*parts.split(), "message_snapshots", "thread", "role_subscription_data", "nonce", "lobby_member"} <= keys


def test_more_archived_threads_than_a_page_share_their_time_at_its_edge() -> None:
    world = rich()
    guild = first_guild(world)
    channel = next(one for one in guild.channels.values() if one.name == "projects")
    first, more = archived_threads(world, guild, channel.id, limit=100)
    assert more
    edge = first[-1]["thread_metadata"]["archive_timestamp"]
    beyond, _ = archived_threads(world, guild, channel.id, datetime.fromisoformat(edge), 100)
    again, _ = archived_threads(world, guild, channel.id, datetime.fromisoformat(edge) + timedelta(milliseconds=1), 100)
    shown = {thread["id"] for thread in first + beyond}
    missed = [thread for thread in again if thread["id"] not in shown]
    assert len(missed) > 3
    assert {thread["thread_metadata"]["archive_timestamp"] for thread in missed} == {edge}


def test_the_demo_is_at_its_goal_within_a_minute() -> None:
    guild = first_guild(demo_world(reacted_percent=_REACTED_PERCENT))
    pages = sum(len(place.messages) // 100 + 2 for place in places(guild))
    lists = sum(len(one.get("reactions", ())) for place in places(guild) for one in place.messages)
    assert lists > 100
    assert (pages + lists) / _REQUESTS_PER_SECOND < 30, "half of it, for slow machines"


def test_the_demo_is_of_the_size_it_says() -> None:
    guild = first_guild(demo())
    sizes = [len(place.messages) for place in places(guild)]
    assert 19_000 <= sum(sizes) <= 22_000
    assert max(sizes) <= 3_600
    assert sum(channel.type == 15 for channel in guild.channels.values()) == 2
    assert len({user.username for user in guild.users.values()}) == len(guild.users)


def test_a_uniform_world_is_uniform() -> None:
    world = uniform_world(4, 1_000_000, threads=6, guilds=2)
    assert len(world.guilds) == 2
    for guild in world.guilds.values():
        assert [len(channel.messages) for channel in guild.channels.values()] == [1_000_000] * 4
        assert len(guild.threads) == 6


def test_a_tree_world_has_many_branches() -> None:
    guild = first_guild(tree_world())
    assert (len(guild.channels), len(guild.threads)) == (300, 2_000)
    assert sum(thread.archived for thread in guild.threads.values()) == 1_000


def test_very_many_guilds_have_ids_of_their_own_and_fall_to_all_shards() -> None:
    ids = [guild_id_of(1, number) for number in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0, "none was opened before Discord was"
    for shards in (2, 8, 12):
        found = Counter((guild_id >> 22) % shards for guild_id in ids)
        assert max(found.values()) < 1.1 * len(ids) / shards
