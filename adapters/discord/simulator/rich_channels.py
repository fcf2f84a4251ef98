"""The channels of the rich world: one of every type, and one for every reason to be archived or not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from adapters.discord.simulator.ids import WORLD_NOW, milliseconds, mix, snowflake
from adapters.discord.simulator.model import Channel, Guild, Overwrite, Tag, User
from adapters.discord.simulator.permissions import (
    CONNECT,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    VIEW_CHANNEL,
)


def plain_channel(guild: Guild, number: int, name: str, **fields: Any) -> Channel:
    """Return a text channel, or with ``type`` another, opened some days after the guild."""
    opened = milliseconds(WORLD_NOW - timedelta(days=900) + timedelta(hours=7 * number))
    given: dict[str, Any] = {"type": 0, "position": len(guild.channels)} | fields
    channel = Channel(id=snowflake(opened, mix(guild.id + number)), guild_id=guild.id, name=name, **given)
    guild.channels[channel.id] = channel
    return channel


class _Builder:
    """Channels of one guild, with the overwrites they are usually given."""

    def __init__(self, guild: Guild, people: Sequence[User]) -> None:
        self.guild, self.people = guild, people
        self.made: dict[str, Channel] = {}
        self.bot_role, self.gardeners, self.muted = guild.bot_role_ids[1:4]

    def add(self, name: str, kind: int = 0, *overwrites: Overwrite, shown: str | None = None, **fields: Any) -> None:
        number = len(self.made) + 1
        made = plain_channel(self.guild, number, shown or name, type=kind, overwrites=list(overwrites), **fields)
        self.made[name] = made

    def everyone(self, *, allow: int = 0, deny: int = 0) -> Overwrite:
        return Overwrite(self.guild.id, 0, allow, deny)

    def bot(self, *, allow: int = 0, deny: int = 0) -> Overwrite:
        return Overwrite(self.guild.bot_id, 1, allow, deny)


def add_channels(guild: Guild, people: Sequence[User]) -> dict[str, Channel]:
    """Return all of them, by a name that the other parts of the rich world know them by."""
    build = _Builder(guild, people)
    _categories(build)
    _open_to_all(build)
    _not_public(build)
    _closed_to_the_bot(build)
    _tangled(build)
    _voice(build)
    _posts(build)
    _other_types(build)
    return build.made


def _categories(build: _Builder) -> None:
    nobody = build.everyone(deny=VIEW_CHANNEL)
    build.add("Everything", 4)
    build.add("Staff", 4, nobody, build.bot(allow=VIEW_CHANNEL))
    build.add("Cellar", 4, nobody)
    build.add("Attic", 4, nobody)  # its one channel can be seen, and so can it


def _open_to_all(build: _Builder) -> None:
    one, parent = build.people[0], build.made["Everything"].id
    topic = f"Questions to <@{one.id}> ({one.id}), https://discord.com/users/{one.id}"
    build.add("general", parent_id=parent, topic=topic, rate_limit_per_user=5)
    build.add("news", 5, parent_id=parent, topic="")
    build.add("rules", 0, build.everyone(deny=SEND_MESSAGES), parent_id=parent)
    names = ("texts", "replies", "system", "apps", "components", "media-files", "reactions", "oddities", "projects")
    for name in names:
        build.add(name, parent_id=parent)
    build.add("one", parent_id=build.made["Attic"].id, shown=f"ticket-{one.id}", nsfw=True)
    build.add("empty")
    build.add("emptied", flags=1 << 21)


def _not_public(build: _Builder) -> None:
    nobody, parent = build.everyone(deny=VIEW_CHANNEL), build.made["Staff"].id
    build.add("staff", 0, nobody, build.bot(allow=VIEW_CHANNEL), parent_id=parent, topic="quiet please")
    build.add("lounge", 0, nobody, Overwrite(build.gardeners, 0, allow=VIEW_CHANNEL), parent_id=parent)
    build.add("newcomers", 0, build.everyone(deny=READ_MESSAGE_HISTORY), build.bot(allow=READ_MESSAGE_HISTORY))
    named = Overwrite(build.people[1].id, 1, allow=VIEW_CHANNEL)
    build.add("for-one", 0, nobody, named, build.bot(allow=VIEW_CHANNEL))


def _closed_to_the_bot(build: _Builder) -> None:
    cellar = build.made["Cellar"].id
    build.add("hidden", 0, build.everyone(deny=VIEW_CHANNEL), parent_id=cellar, topic="nobody knows")
    build.add("hidden-voice", 2, build.everyone(deny=VIEW_CHANNEL), parent_id=cellar)
    build.add("hidden-stage", 13, build.everyone(deny=VIEW_CHANNEL), parent_id=cellar)
    build.add("hidden-forum", 15, build.everyone(deny=VIEW_CHANNEL), parent_id=cellar)
    build.add("bot-banished", 0, build.bot(deny=VIEW_CHANNEL))
    build.add("bot-banished-by-role", 0, Overwrite(build.bot_role, 0, deny=VIEW_CHANNEL))
    build.add("bot-blind", 0, Overwrite(build.muted, 0, deny=READ_MESSAGE_HISTORY))
    build.add("bot-blind-forum", 15, build.bot(deny=READ_MESSAGE_HISTORY))


def _tangled(build: _Builder) -> None:
    """Overwrites that contradict each other: allow wins within a rank, the higher rank wins over the lower."""
    both = VIEW_CHANNEL | READ_MESSAGE_HISTORY
    build.add("allowed-and-denied", 0, build.everyone(allow=both, deny=both))
    roles = (Overwrite(build.muted, 0, deny=both), Overwrite(build.gardeners, 0, allow=both))
    build.add("roles-at-odds", 0, *roles)
    build.add("role-denied-member-allowed", 0, Overwrite(build.muted, 0, deny=both), build.bot(allow=both))
    build.add("others-denied", 0, Overwrite(build.people[2].id, 1, deny=both), Overwrite(build.guild.id, 1, deny=both))


def _voice(build: _Builder) -> None:
    build.add("voice", 2, bitrate=96_000, user_limit=10)
    build.add("voice-closed", 2, build.everyone(deny=CONNECT), build.bot(allow=CONNECT))
    build.add("voice-bot-shut", 2, build.bot(deny=CONNECT), user_limit=0)
    build.add("stage", 13, topic="Tonight: gardens", bitrate=64_000)
    build.add("stage-closed", 13, build.everyone(deny=CONNECT))
    build.add("connect-does-not-matter", 0, build.everyone(deny=CONNECT))


def _posts(build: _Builder) -> None:
    first = build.guild.id + 700
    tags = [
        Tag(first, "solved", moderated=True, emoji_name="✅"),
        Tag(first + 1, f"of {build.people[0].id}", emoji_id=build.guild.emojis[0].id),
        Tag(first + 2, "plain"),
    ]
    build.add("forum", 15, topic="Guidelines", available_tags=tags, default_forum_layout=1, default_sort_order=0)
    build.add("media", 16, available_tags=tags[:1], default_forum_layout=2, default_sort_order=1, flags=1 << 4)
    nobody = build.everyone(deny=VIEW_CHANNEL)
    build.add("staff-forum", 15, nobody, build.bot(allow=VIEW_CHANNEL), available_tags=tags)
    build.add("empty-forum", 15)


def _other_types(build: _Builder) -> None:
    build.add("directory", 14)
    build.add("from-the-future", 99, topic="what is this?")
    build.add("hidden-future", 99, build.everyone(deny=VIEW_CHANNEL))
