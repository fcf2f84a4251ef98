"""The community that the demo archives: friendly, lively, some 20,000 messages long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.discord.simulator.chatter import chatter
from adapters.discord.simulator.crowd import neighbours
from adapters.discord.simulator.ids import WORLD_NOW, mix
from adapters.discord.simulator.model import Channel, Emoji, Guild, Overwrite, Tag, User, World
from adapters.discord.simulator.permissions import VIEW_CHANNEL
from adapters.discord.simulator.rich_channels import plain_channel
from adapters.discord.simulator.rich_threads import hang_thread, post
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.uniform import guild_id_of, new_guild, new_world
from adapters.discord.simulator.words import title

_HISTORY = timedelta(days=200)

_CHANNELS = (
    # name, type, messages, topic
    ("welcome", 0, 120, "Say hello!"),
    ("announcements", 5, 90, "What is new in the garden"),
    ("general", 0, 3_500, "Anything and everything"),
    ("gardening", 0, 3_000, "Seeds, soil and slugs"),
    ("cooking", 0, 2_600, "What did you make today?"),
    ("code", 0, 2_500, "Programs that water plants"),
    ("music", 0, 1_900, "What are you listening to?"),
    ("photos", 0, 1_700, "Show us your garden"),
    ("books", 0, 1_100, "The reading circle"),
    ("games", 0, 1_300, "Board games and others"),
    ("help", 0, 900, "Ask away"),
    ("evening-chat", 2, 150, None),
)
_FORUMS = (("questions", ("solved", "urgent", "beginner"), 34), ("showcase", ("balcony", "greenhouse"), 26))
_MODERATORS = ("moderators", 200)
_SEED = 1

DEMO_GUILD_ID = guild_id_of(_SEED, 0)
"""The id of the guild in every demo world; no guild of Discord's has it."""


def demo_world(seed: int = _SEED, now: datetime = WORLD_NOW, *, reacted_percent: int = 15) -> World:
    """Return one guild whose history ends ``now``: a dozen channels, two forums, some threads, one hidden channel.

    ``reacted_percent`` of the messages have reactions; each emoji costs the archiving client a request of its own.
    """
    world = new_world(seed, now)
    people = neighbours(seed, 150)
    guild = new_guild(world, 0, "The Village Garden", people)
    guild.description = "Gardeners, cooks and tinkerers"
    guild.emojis = [Emoji(guild.id + 500, "sprout"), Emoji(guild.id + 501, "watering", animated=True)]
    category = plain_channel(guild, 1, "The village", type=4)
    for number, (name, kind, messages, topic) in enumerate(_CHANNELS):
        channel = plain_channel(guild, 10 + number, name, type=kind, topic=topic, parent_id=category.id)
        scene = demo_scene(world, guild, channel, people, messages, now)
        chatter(scene, messages, reacted_percent=reacted_percent)
        if kind == 0 and messages > 1_000:
            chatter(
                hang_thread(scene, title(mix(channel.id)), pace=timedelta(minutes=9)),
                25,
                reacted_percent=reacted_percent,
            )
    for number, (name, tags, posts) in enumerate(_FORUMS):
        _forum(world, guild, people, 40 + number, name, tags, posts, now)
    nobody = [Overwrite(guild.id, 0, deny=VIEW_CHANNEL)]
    closed = plain_channel(guild, 50, _MODERATORS[0], overwrites=nobody)
    chatter(demo_scene(world, guild, closed, people[:6], _MODERATORS[1], now), _MODERATORS[1])
    return world


def demo_scene(
    world: World, guild: Guild, channel: Channel, people: Sequence[User], messages: int, now: datetime
) -> Scene:
    """Return a channel whose so many messages begin 200 days ago and end some days before now."""
    pace = min(timedelta(hours=12), _HISTORY * 0.95 / max(messages, 1))
    return Scene(world, guild, channel, people, now - _HISTORY, pace)


def _forum(
    world: World,
    guild: Guild,
    people: Sequence[User],
    number: int,
    name: str,
    tags: Sequence[str],
    posts: int,
    now: datetime,
) -> None:
    tag_list = [Tag(guild.id + 600 + number * 10 + index, tag) for index, tag in enumerate(tags)]
    channel = plain_channel(guild, number, name, type=15, topic="One post, one question", available_tags=tag_list)
    scene = demo_scene(world, guild, channel, people, posts, now)
    for index in range(posts):
        bits = mix(channel.id + index)
        archived = now - timedelta(days=30, minutes=index) if bits % 3 else None
        chosen = [tag_list[bits % len(tag_list)].id]
        post(scene, title(bits), 5 + bits % 20, pace=timedelta(minutes=30), applied_tags=chosen, archived=archived)
