"""Worlds of one measure: for benchmarks, for kills at random instants, for the cost of an idle hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.discord.simulator.crowd import bot
from adapters.discord.simulator.ids import WORLD_NOW, IdSource, milliseconds, mix, snowflake
from adapters.discord.simulator.lazy import LazyStore
from adapters.discord.simulator.lazy_templates import people
from adapters.discord.simulator.model import Channel, Guild, Role, User, World
from adapters.discord.simulator.permissions import ORDINARY

_LONGEST = timedelta(days=3_000)
_THREAD_MESSAGES = 5
_DAYS = 1_000
_OLDEST_THREAD, _APART = timedelta(days=30), timedelta(minutes=7)


def new_world(seed: int, now: datetime = WORLD_NOW) -> World:
    """Return a world with a bot and no guilds, in which it is now so late."""
    own = bot(seed, 99, "archivist")
    return World(seed=seed, bot=own, application_id=own.id, ids=IdSource(now))


def guild_id_of(seed: int, number: int) -> int:
    """Return the id of a world's guild."""
    days, minutes = number % _DAYS, number // _DAYS  # none was opened before Discord was
    # A day has a number of milliseconds that most numbers of shards divide: all guilds would fall to one of them.
    age = timedelta(days=days + 1, minutes=minutes, milliseconds=number)
    opened = milliseconds(WORLD_NOW - _LONGEST - age)
    return snowflake(opened, mix(seed) + number)


def new_guild(world: World, number: int, name: str, users: list[User]) -> Guild:
    """Return a guild in which everyone may read everything, and the bot is an ordinary member."""
    guild_id = guild_id_of(world.seed, number)
    guild = Guild(id=guild_id, name=name, owner_id=users[0].id, bot_id=world.bot.id)
    guild.roles[guild_id] = Role(guild_id, "@everyone", ORDINARY)
    own = Role(guild_id + 1, "Archivist", ORDINARY, position=1, managed=True, bot_id=world.bot.id)
    guild.roles[own.id] = own
    guild.bot_role_ids = [guild_id, own.id]
    guild.users = {user.id: user for user in users} | {world.bot.id: world.bot}
    world.guilds[guild_id] = guild
    return guild


def lazy_messages(world: World, channel: Channel, size: int, now: datetime = WORLD_NOW) -> None:
    """Fill a channel with so many messages that end when the world's history does."""
    step_ms = max(1, min(30_000, _LONGEST // timedelta(milliseconds=1) // max(size, 1)))
    start = now - timedelta(milliseconds=step_ms * (size + 1))
    channel.messages = LazyStore(world.seed, channel.id, size, start, step_ms)
    channel.last_message_id = channel.messages.last_id


def _text_channel(guild: Guild, position: int) -> Channel:
    channel = Channel(
        id=guild.id + 1_000 + position, guild_id=guild.id, type=0, name=f"channel-{position}", position=position
    )
    guild.channels[channel.id] = channel
    return channel


def uniform_world(
    channels: int,
    messages_per_channel: int,
    seed: int = 1,
    threads: int = 0,
    guilds: int = 1,
    now: datetime = WORLD_NOW,
    *,
    archived: bool = False,
) -> World:
    """Return guilds of equal text channels, with so many threads of five messages spread over them: active, or not."""
    world = new_world(seed, now)
    for number in range(guilds):
        guild = new_guild(world, number, f"Guild {number}", list(people(seed)))
        for position in range(channels):
            lazy_messages(world, _text_channel(guild, position), messages_per_channel, now)
        parents, apart = list(guild.channels), _APART if not archived else _OLDEST_THREAD / 2 / max(threads, 1)
        for index in range(threads):
            add_thread(world, guild, parents[index % channels], index, archived=archived, apart=apart)
    return world


def uneven_world(sizes: Sequence[int], channels: int, seed: int = 1) -> World:
    """Return guilds of so many messages each; each of their channels has twice as many as the next one."""
    world = new_world(seed)
    for number, size in enumerate(sizes):
        guild = new_guild(world, number, f"Guild {number}", list(people(seed)))
        for position in range(channels):
            share = size * 2 ** (channels - 1 - position) // (2**channels - 1)
            lazy_messages(world, _text_channel(guild, position), max(1, share))
    return world


def tree_world(channels: int = 300, threads: int = 2_000, seed: int = 1) -> World:
    """Return a guild of many channels and threads with a few messages each; every second thread is archived."""
    world = uniform_world(channels, 3, seed)
    guild = next(iter(world.guilds.values()))
    parents = list(guild.channels)
    for index in range(threads):
        add_thread(world, guild, parents[index % channels], index, archived=bool(index % 2))
    return world


def add_thread(
    world: World, guild: Guild, parent_id: int, index: int, *, archived: bool, apart: timedelta = _APART
) -> Channel:
    """Return a public thread of five messages, opened some time after the one before it."""
    opened = WORLD_NOW - _OLDEST_THREAD + apart * index
    thread = Channel(
        id=snowflake(milliseconds(opened), index),
        guild_id=guild.id,
        type=11,
        name=f"thread-{index}",
        parent_id=parent_id,
        owner_id=next(iter(guild.users)),
        archived=archived,
        archive_timestamp=opened + timedelta(days=3),
        create_timestamp=opened,
        message_count=_THREAD_MESSAGES,
        total_message_sent=_THREAD_MESSAGES,
        member_ids=[next(iter(guild.users))],
    )
    guild.threads[thread.id] = thread
    thread.messages = LazyStore(world.seed, thread.id, _THREAD_MESSAGES, opened, 1_000)
    thread.last_message_id = thread.messages.last_id
    return thread
