"""A guild small enough to know by heart: one channel for each thing that the server's answers depend on."""

from datetime import timedelta

from adapters.discord.simulator.ids import WORLD_NOW, milliseconds, snowflake
from adapters.discord.simulator.message_payloads import message
from adapters.discord.simulator.model import Channel, Guild, Overwrite, Role, User, World
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.permissions import CONNECT, ORDINARY, READ_MESSAGE_HISTORY, VIEW_CHANNEL
from adapters.discord.simulator.store import ListStore

BEGIN_MS = milliseconds(WORLD_NOW - timedelta(days=100))

BOT = User(id=snowflake(BEGIN_MS, 1), username="archivist", bot=True)
WRITER = User(id=snowflake(BEGIN_MS, 2), username="writer", global_name="Writer")
READER = User(id=snowflake(BEGIN_MS, 3), username="reader")
FANS = [User(id=snowflake(BEGIN_MS, 100 + n), username=f"fan{n}") for n in range(130)]

GUILD = snowflake(BEGIN_MS, 4)
OTHER_GUILD = GUILD + (1 << 22)  # the next shard's, where there are two
TEXT, HIDDEN, NO_HISTORY, VOICE, CLOSED_VOICE, FORUM, CATEGORY, QUIET = (snowflake(BEGIN_MS, 10 + n) for n in range(8))
POST = snowflake(BEGIN_MS, 30)
THREADS = [snowflake(BEGIN_MS, 40 + n) for n in range(5)]
MESSAGES = [snowflake(BEGIN_MS + 60_000 * n) for n in range(250)]
NOWHERE = snowflake(BEGIN_MS, 99)


def small_world(messages: int = 250) -> World:
    """One guild, and beside it an almost empty one."""
    world = World(seed=7, bot=BOT, application_id=BOT.id)
    world.guilds = {GUILD: _guild(messages), OTHER_GUILD: _bare_guild(OTHER_GUILD, "Elsewhere")}
    return world


def sharded_world(shards: int) -> World:
    """A guild on each of so many shards, in their order; each has one channel, and that has the next id."""
    world = World(seed=7, bot=BOT, application_id=BOT.id)
    first = GUILD >> 22
    first -= first % shards
    for number in range(shards):
        guild = _bare_guild((first + number) << 22, f"Guild {number}")
        guild.channels[guild.id + 1] = Channel(guild.id + 1, guild.id, 0, "talk")
        world.guilds[guild.id] = guild
    return world


def _bare_guild(guild_id: int, name: str) -> Guild:
    guild = Guild(id=guild_id, name=name, owner_id=WRITER.id, bot_id=BOT.id)
    guild.roles[guild_id] = Role(guild_id, "@everyone", ORDINARY)
    guild.users = {user.id: user for user in (WRITER, READER)}
    return guild


def _guild(messages: int) -> Guild:
    guild = _bare_guild(GUILD, "Small")
    text = Channel(TEXT, GUILD, 0, "talk", messages=_talk(messages), last_message_id=MESSAGES[-1])
    channels = [
        text,
        Channel(HIDDEN, GUILD, 0, "secret", overwrites=[_deny(VIEW_CHANNEL)]),
        Channel(NO_HISTORY, GUILD, 0, "fleeting", overwrites=[_deny(READ_MESSAGE_HISTORY)], messages=_talk(3)),
        Channel(VOICE, GUILD, 2, "stage door"),
        Channel(CLOSED_VOICE, GUILD, 2, "backstage", overwrites=[_deny(CONNECT)]),
        Channel(FORUM, GUILD, 15, "questions"),
        Channel(CATEGORY, GUILD, 4, "rooms"),
        Channel(QUIET, GUILD, 0, "quiet"),
    ]
    guild.channels = {channel.id: channel for channel in channels}
    guild.threads = {thread.id: thread for thread in (_post(), *_threads())}
    return guild


def _deny(bits: int) -> Overwrite:
    return Overwrite(GUILD, 0, deny=bits)


def _talk(count: int) -> ListStore:
    store = ListStore(message(one, TEXT, WRITER, f"message {n}") for n, one in enumerate(MESSAGES[:count]))
    if count > 100:
        store.put(message(MESSAGES[100], TEXT, WRITER, "pinned", pinned=True))
        for fan in FANS:
            store.react(MESSAGES[100], {"id": None, "name": "🔥"}, user_payload(fan))
    return store


def _post() -> Channel:
    first = message(POST, POST, READER, "How does one archive?")
    return Channel(POST, GUILD, 11, "archiving", parent_id=FORUM, owner_id=READER.id, messages=ListStore([first]))


def _threads() -> list[Channel]:
    """Archived threads of the text channel; the middle three share one archive timestamp."""
    days = (1, 2, 2, 2, 3)
    return [
        Channel(
            thread_id,
            GUILD,
            11,
            f"thread {n}",
            parent_id=TEXT,
            owner_id=WRITER.id,
            archived=True,
            archive_timestamp=WORLD_NOW - timedelta(days=age),
        )
        for n, (thread_id, age) in enumerate(zip(THREADS, days, strict=True))
    ]
