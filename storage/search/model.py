"""What is searched for, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.search.index import IndexState


class Order(StrEnum):
    """In which order hits are shown."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word, a phrase, or the beginning of a word that messages have to hold, or must not."""

    text: str
    is_prefix: bool = False
    is_excluded: bool = False


class Has(StrEnum):
    """What hangs on a message, or is in it."""

    FILE = "file"
    IMAGE = "image"
    LINK = "link"
    REACTION = "reaction"
    REPLY = "reply"  # it is one
    POLL = "poll"
    EMBED = "embed"
    STICKER = "sticker"


class Field(StrEnum):
    """By what messages are filtered; the type of the filter's value stands behind each."""

    CHANNEL = "in"  # a channel's platform id or name, with or without "#"; its threads are part of it
    THREAD = "thread"  # the same of a thread
    AUTHOR = "from"  # a pseudonym, or its first eight or more digits
    MENTIONS = "mentions"  # the same
    DURING = "during"  # TimeSpan
    HAS = "has"  # Has
    TYPE = "type"  # the platform's kind of message
    DELETED = "deleted"  # bool, or "any"; where no filter says it, deleted messages are left out
    EDITED = "edited"  # bool
    PINNED = "pinned"  # bool
    REACTION = "reaction"  # an emoji, or the name or id of a custom one
    NEAR = "near"  # a message's platform id: what was sent in its channel within a day of it


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    """A time: from ``since`` on and before ``until``; None: without that end."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A condition on a message that is no word of it."""

    field: Field
    value: str | bool | TimeSpan | Has
    is_excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is searched for: all of it has to apply."""

    terms: tuple[Term, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a text, in characters."""

    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A message that was found."""

    id: int  # messages.id
    tenant_id: str
    channel_id: int  # channels.id
    channel_platform_id: str
    channel_name: str | None
    channel_type: str
    parent_platform_id: str | None  # the channel of a thread or post, the category of a channel
    parent_name: str | None
    platform_id: str
    author_hash: str | None
    author_kind: str
    content: str
    type: str
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    reply_to_channel_platform_id: str | None
    reply_to_message_platform_id: str | None
    reply_to_author_hash: str | None
    metadata: Mapping[str, Any]
    files: int
    reactions: int
    highlights: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the messages that were found."""

    hits: tuple[Hit, ...]
    order: Order  # NEWEST where there are too many hits to compare them by relevance
    next_cursor: str | None  # None: these are the last ones
    is_cut: bool  # the search was ended; the cursor goes on where it came to, None: it cannot go on
    searched_until: datetime | None  # where that was; None: it was not ended, or came to no place
    index: IndexState


class UnclearFilter(Exception):
    """A filter's value means nothing here, or several things; the message says what would be right."""

    def __init__(self, field: Field, detail: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.field, self.detail, self.candidates = field, detail, candidates


class NoIndex(Exception):
    """Words cannot be searched for: there is no index."""


class BadCursor(Exception):
    """The cursor was made by no page."""
