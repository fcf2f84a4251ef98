"""What the API answers about searches."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from adapters.records import AuthorKind, ChannelType, SkipReason
from bot.api.endpoint import ResponseModel
from storage.search import IndexKind, Order


class Highlight(ResponseModel):
    """Where in the content a word stands that the message was found by."""

    start: int = Field(description="Before so many characters (Unicode code points).")
    length: int = Field(description="In characters.")


class Place(ResponseModel):
    """A channel, thread or post."""

    platform_id: str
    name: str | None
    type: ChannelType
    parent_platform_id: str | None = Field(description="The channel of a thread, the category of a channel.")
    parent_name: str | None


class HitView(ResponseModel):
    """A message that was found."""

    id: str = Field(description="`messages.id` in the database.")
    platform_id: str
    tenant_id: str
    channel: Place
    author: str | None = Field(description="The first eight digits of the author's pseudonym.", examples=["1a2b3c4d"])
    author_hash: str | None = Field(description="All of it; null where unknown or erased.")
    author_kind: AuthorKind
    type: str = Field(description="The platform's kind of message, such as `default` or `reply`.")
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None = Field(description="Since when it is known to be deleted on the platform.")
    content: str = Field(description="Its text, as people wrote it: not to be trusted, and no HTML.")
    gone: Literal["opted_out", "forgotten", "content_removed"] | None = Field(
        description="Why what it said is not here: its author opted out, or was erased, or it has had its time."
    )
    highlights: list[Highlight] = Field(description="Where in it the words stand; at most 100 places.")
    reply_to_channel_platform_id: str | None
    reply_to_message_platform_id: str | None
    files: int = Field(description="How many files hang on it.")
    reactions: int = Field(description="How often people reacted to it, with whatever emoji.")
    link: str = Field(description="Where it is shown in its channel.")


class IndexView(ResponseModel):
    """How far the index of words is."""

    kind: IndexKind | None = Field(description="What messages are found by; null: searching is switched off.")
    ready: bool = Field(description="Whether all messages can be found by their words, and soon.")
    percent: int = Field(
        description="How much is indexed. On SQLite the newest come first, and are found already; on PostgreSQL all"
        " are found, slowly."
    )


class Unread(ResponseModel):
    """A channel that is not archived, or not any more."""

    platform_id: str
    name: str | None
    type: ChannelType
    skip_reason: SkipReason
    skipped_since: datetime
    explanation: str = Field(description="The reason in words, and what can be done.")


class Nothing(ResponseModel):
    """Why nothing may have been found."""

    absent_words: list[str] = Field(description="Those of the words that no message of the tenant holds.")
    unread_channels: list[Unread] = Field(description="Channels that are not archived: the first 20.")
    unread_channels_total: int
    content_removed_before: datetime | None = Field(
        description="Of messages sent before, no words are kept that could be found; null: of all."
    )
    detail: str = Field(description="The same in words.")


class SearchView(ResponseModel):
    """A page of hits."""

    hits: list[HitView]
    next_cursor: str | None = Field(description="Asks for the next page; null where `complete`: this is the last one.")
    order: Order = Field(description="`newest` where there are too many hits to compare them by relevance.")
    complete: bool = Field(
        description="False: the search was ended before all was looked at, mostly by the time limit; `next_cursor` goes"
        " on with it, and where that is null a notice says what to do."
    )
    searched_until: datetime | None = Field(
        description="Where it was ended; null where `complete`, or where it came to no place in time."
    )
    notices: list[str] = Field(description="What the reader should know, in words.")
    index: IndexView
    nothing: Nothing | None = Field(description="Where there is no hit at all: why that may be.")


class SuggestionView(ResponseModel):
    """One continuation of what was typed."""

    text: str = Field(description="The whole query as it would be.", examples=["deploy in:general"])
    meaning: str


class SuggestionList(ResponseModel):
    """What may be typed next, the likeliest first."""

    suggestions: list[SuggestionView]
