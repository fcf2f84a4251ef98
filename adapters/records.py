"""The platform-neutral records that adapters hand to storage.

Records are frozen and already private: user ids are hashed and names dropped before one is built.
Platform ids are text. Times are timezone-aware UTC; a naive one is refused.

Values that no database can hold are refused here: a number beyond its column, a key too long for an index, a time that
has no UTC form. So the error occurs where the value is read, and not in the middle of a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar, dataclass_transform

from adapters.ids import RecordRefused, check_message_id, check_place_id, check_tenant_id

T = TypeVar("T")

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Metadata: TypeAlias = Mapping[str, JsonValue]


class ChannelType(StrEnum):
    """What a channel is to a reader; the platform's own type is in its metadata."""

    TEXT = "text"  # holds messages: text, announcement, voice chat, stage chat
    THREAD = "thread"  # holds messages and has a parent
    FORUM = "forum"  # holds threads only: forum and media channels
    CATEGORY = "category"  # holds channels only
    OTHER = "other"  # what this version does not know


class SkipReason(StrEnum):
    """Why a channel is not read."""

    NOT_PUBLIC = "not_public"
    BOT_LACKS_ACCESS = "bot_lacks_access"
    DELETED = "deleted"
    UNSUPPORTED = "unsupported"
    OBFUSCATED = "obfuscated"
    EXCLUDED = "excluded"  # by the operator's configuration


class AuthorKind(StrEnum):
    """Who wrote a message."""

    USER = "user"
    BOT = "bot"
    WEBHOOK = "webhook"
    SYSTEM = "system"


LARGEST_NUMBER = 2**63 - 1
"""Of a size in bytes."""

LARGEST_COUNT = 2**31 - 1
"""Of what is counted."""

LONGEST_KEY = 500
"""In characters. At most 2,000 bytes in UTF-8: PostgreSQL takes 2,700 for all columns of an index together."""


def _check_times(*times: datetime | None) -> None:
    for time in times:
        if time is None or time.tzinfo is UTC:
            continue
        if time.tzinfo is None:
            raise RecordRefused("a record's times must be timezone-aware")
        try:
            time.astimezone(UTC)
        except OverflowError:
            raise RecordRefused("a record's times must have a form in UTC") from None


@dataclass_transform(frozen_default=True, kw_only_default=True)
def _cheap(record: type[T]) -> type[T]:
    """Make a dataclass of what is made for every message: frozen for the type checker alone.

    Freezing it at run time, too, takes 3 microseconds a record, as long as decoding a message's JSON.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecord:
    """A community of the platform: a Discord guild, a Slack workspace."""

    platform_id: str
    name: str | None
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_tenant_id(self.platform_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecord:
    """A channel or thread as one listing saw it.

    ``skip_reason`` None means that it is to be archived, a thread wherever its parent is. ``name`` None means that
    the platform hid it: a stored name is then kept. ``last_message_platform_id`` is the newest message
    the platform knows of, which may be deleted; None with ``names_head``: there never was one; without: look.
    """

    platform_id: str
    parent_platform_id: str | None
    name: str | None
    type: ChannelType
    skip_reason: SkipReason | None
    last_message_platform_id: str | None = None
    names_head: bool = True  # False: the listing does not say which message is the newest, or whether there is one
    is_listed: bool = True  # False: a thread that no listing shows, but only the messages of its channel
    has_archived_threads: bool = False  # whether its archived threads can be listed
    archived_at: datetime | None = None  # when a thread was archived; None: it is open, or it is not known when
    message_count: int | None = None  # how many messages it holds by the platform's own count
    created_at: datetime | None = None  # None: unknown; not stored
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_place_id(self.platform_id, self.parent_platform_id)
        _check_times(self.archived_at, self.created_at)
        if self.last_message_platform_id is not None:
            check_message_id(self.last_message_platform_id)
        if self.message_count is not None and not 0 <= self.message_count <= LARGEST_COUNT:
            raise RecordRefused("a channel's count of messages is from 0 to 2,147,483,647")


@_cheap
class AttachmentRecord:
    """A file's metadata; the file itself is never fetched."""

    platform_id: str
    filename: str
    size_bytes: int | None
    content_type: str | None
    url: str
    url_expires_at: datetime | None
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_place_id(self.platform_id)
        _check_times(self.url_expires_at)
        if self.size_bytes is not None and not 0 <= self.size_bytes <= LARGEST_NUMBER:
            raise RecordRefused("a file's size is a number of 63 bits")


@_cheap
class ReactionTotalRecord:
    """How often one emoji was given to one message, in one of its two kinds: normally, or as a burst."""

    emoji_key: str  # the character, or the custom emoji's id
    burst: bool
    emoji: str  # the character, or <:name:id> / <a:name:id>
    count: int
    user_hashes: tuple[str, ...] | None = field(default=None, compare=False)
    """All who gave it, where the platform sends them along with their message."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= LARGEST_COUNT:
            raise RecordRefused("a total is from 1 (a kind that nobody has given has none) to 2,147,483,647")
        if len(self.emoji_key) > LONGEST_KEY:
            raise RecordRefused("an emoji's key is too long for an index")


MetadataPath: TypeAlias = tuple[str | int, ...]
"""Where something is in metadata: keys and places in lists, from the outside in."""


@dataclass(frozen=True, slots=True)
class Original:
    """A message that another one repeats something of, by the platform's ids."""

    tenant_platform_id: str | None  # None: of the same community
    channel_platform_id: str
    message_platform_id: str


@dataclass(frozen=True, slots=True)
class Copy:
    """What a message repeats of another one, as a forward or a quote, and where; an empty path is all of it."""

    original: Original
    path: MetadataPath


_CONTENT = ("embeds", "components", "poll", "stickers")
"""Metadata that is content, like the text and the files."""
_OF_A_FORWARD = ("content", "embeds", "attachments", "stickers", "components")


@_cheap
class MessageRecord:
    """One message of one channel, with what hangs on it."""

    platform_id: str
    author_hash: str | None
    author_kind: AuthorKind
    content: str
    type: str
    sent_at: datetime
    edited_at: datetime | None
    reply_to_channel_platform_id: str | None
    reply_to_message_platform_id: str | None
    reply_to_author_hash: str | None
    metadata: Metadata
    attachments: tuple[AttachmentRecord, ...] = ()
    reaction_totals: tuple[ReactionTotalRecord, ...] = ()
    copies: tuple[Copy, ...] = ()

    def __post_init__(self) -> None:
        check_message_id(self.platform_id)
        if self.sent_at.tzinfo is not UTC or self.edited_at is not None:
            _check_times(self.sent_at, self.edited_at)

    @property
    def is_blank(self) -> bool:
        """Whether it shows neither text nor attachments nor other content."""
        if self.content or self.attachments or any(self.metadata.get(key) for key in _CONTENT):
            return False
        forward = self.metadata.get("forward")
        return not (isinstance(forward, Mapping) and any(forward.get(key) for key in _OF_A_FORWARD))
