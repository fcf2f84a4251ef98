"""The objects of a simulated Discord. Ids are integers here and strings in payloads."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.discord.simulator.ids import WORLD_NOW, IdSource
from adapters.discord.simulator.store import ListStore, MessageStore

MESSAGE_CONTENT_FLAG = 1 << 18  # application flag GATEWAY_MESSAGE_CONTENT
CATEGORY = 4
THREAD_TYPES = frozenset((10, 11, 12))
PRIVATE_THREAD = 12
VOICE_TYPES = frozenset((2, 13))
POST_TYPES = frozenset((15, 16))  # forum and media: they hold threads only


@dataclass(slots=True)
class User:
    """An account: a person, a bot, or Discord itself."""

    id: int
    username: str
    global_name: str | None = None
    discriminator: str = "0"
    avatar: str | None = None
    banner: str | None = None
    bot: bool = False
    system: bool = False
    tag: str | None = None  # the four letters of the guild that the user shows beside the name
    decoration: str | None = None  # the picture around the avatar


@dataclass(slots=True)
class Emoji:
    """A guild's own emoji."""

    id: int
    name: str
    animated: bool = False
    user_id: int | None = None  # who uploaded it


@dataclass(slots=True)
class Role:
    """A role; the one whose id is the guild's is @everyone."""

    id: int
    name: str
    permissions: int = 0
    position: int = 0
    color: int = 0
    hoist: bool = False
    managed: bool = False
    mentionable: bool = False
    bot_id: int | None = None  # the bot whose own role this is


@dataclass(slots=True)
class Overwrite:
    """What a channel allows and denies to one role (type 0) or one member (type 1)."""

    id: int
    type: int
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class Tag:
    """What a forum's posts can be marked with."""

    id: int
    name: str
    moderated: bool = False
    emoji_id: int | None = None
    emoji_name: str | None = None


@dataclass(slots=True)
class Channel:
    """A channel or a thread, with its messages."""

    id: int
    guild_id: int
    type: int
    name: str
    parent_id: int | None = None
    position: int = 0
    topic: str | None = None
    nsfw: bool = False
    overwrites: list[Overwrite] = field(default_factory=list)
    last_message_id: int | None = None  # may name a deleted message, or be late; of a forum: its newest thread
    omits_head: bool = False  # payloads leave last_message_id out
    unlisted: bool = False  # a thread that no listing contains, as those of channels that became announcement ones
    last_pin_timestamp: datetime | None = None
    rate_limit_per_user: int = 0
    flags: int = 0
    # voice and stage
    bitrate: int = 64_000
    user_limit: int = 0
    # forum and media
    available_tags: list[Tag] = field(default_factory=list)
    default_forum_layout: int = 0
    default_sort_order: int | None = None
    # threads
    owner_id: int | None = None
    archived: bool = False
    locked: bool = False
    invitable: bool | None = None
    archive_timestamp: datetime | None = None
    auto_archive_duration: int = 4320
    create_timestamp: datetime | None = None  # null on threads from before 2022
    applied_tags: list[int] = field(default_factory=list)
    message_count: int = 0
    total_message_sent: int = 0
    member_ids: list[int] = field(default_factory=list)
    messages: MessageStore = field(default_factory=ListStore)

    @property
    def is_thread(self) -> bool:
        """Whether this hangs under another channel and has a life of its own."""
        return self.type in THREAD_TYPES

    @property
    def member_count(self) -> int:
        """How many have joined the thread; Discord stops counting at 50."""
        return min(len(self.member_ids), 50)


@dataclass(slots=True)
class Guild:
    """A community and all that is in it."""

    id: int
    name: str
    owner_id: int
    bot_id: int
    description: str | None = None
    roles: dict[int, Role] = field(default_factory=dict)
    bot_role_ids: list[int] = field(default_factory=list)
    bot_nick: str | None = None
    nicks: dict[int, str] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)  # without threads
    threads: dict[int, Channel] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    emojis: list[Emoji] = field(default_factory=list)
    unavailable: bool = False
    joined_at: datetime = WORLD_NOW
    approximate_members: int | None = None  # what is told of their number; None: how many there are

    @property
    def everyone(self) -> Role:
        """The role that every member has."""
        return self.roles[self.id]

    def find(self, channel_id: int) -> Channel | None:
        """Return a channel or thread by its id."""
        return self.channels.get(channel_id) or self.threads.get(channel_id)

    def children(self, channel_id: int) -> list[Channel]:
        """Return the threads under a channel, oldest first."""
        return sorted(
            (thread for thread in self.threads.values() if thread.parent_id == channel_id), key=lambda t: t.id
        )


@dataclass(slots=True)
class World:
    """Everything one bot can be connected to."""

    seed: int
    bot: User
    application_id: int
    application_flags: int = MESSAGE_CONTENT_FLAG
    withholds_content: bool = False  # Discord sends blank content whatever the flags say, as has been observed
    token: str = "simulated-token"
    guilds: dict[int, Guild] = field(default_factory=dict)
    obfuscated_voice_keeps_bitrate: bool = True
    edits_move_heads: bool = False  # last_message_id becomes the message edited last, as on other servers
    archive_index_delay: timedelta = timedelta()  # how long the listing of archived threads lags behind
    ids: IdSource = field(default_factory=lambda: IdSource(WORLD_NOW))

    @property
    def sees_content(self) -> bool:
        """Whether the bot has the Message Content privilege, and receives content."""
        return not self.withholds_content and bool(
            self.application_flags & (MESSAGE_CONTENT_FLAG | MESSAGE_CONTENT_FLAG << 1)
        )

    def find(self, channel_id: int) -> tuple[Guild, Channel] | None:
        """Return a channel or thread with its guild, wherever it is."""
        for guild in self.guilds.values():
            channel = guild.find(channel_id)
            if channel is not None:
                return guild, channel
        return None
