"""What the API answers to those who read the archive."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from bot.api.endpoint import ResponseModel


class AttachmentView(ResponseModel):
    """A file that hangs on a message."""

    id: str = Field(description="The platform's id of the file.")
    filename: str
    size_bytes: int | None
    content_type: str | None
    url: str = Field(description="Where the platform serves it, until `url_expires_at`.")
    url_expires_at: datetime | None
    link: str = Field(description="Where this server leads to it for ever: an expired address is renewed there.")
    metadata: dict[str, Any]


class ReactionView(ResponseModel):
    """How often an emoji was given to a message."""

    emoji: str = Field(description="The character, or `<:name:id>`, `<a:name:id>`.", examples=["👍"])
    burst: bool = Field(description="Whether it was given as a burst (a super reaction).")
    count: int


class ReplyView(ResponseModel):
    """What a message answers; it need not be archived."""

    channel_id: str
    message_id: str
    author_hash: str | None = Field(description="The pseudonym of who wrote that one; null where it is not known.")


class MessageView(ResponseModel):
    """A message as it is archived. People are named by pseudonyms only."""

    message_id: str = Field(description="The platform's id of the message.")
    channel_id: str = Field(description="The platform's id of its channel or thread.")
    author_hash: str | None = Field(description="The pseudonym of who wrote it; null where unknown or erased.")
    author_kind: str = Field(description="user, bot, webhook or system.")
    type: str = Field(examples=["default", "reply"])
    content: str
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None = Field(description="Since when it is known to be deleted on the platform.")
    reply_to: ReplyView | None
    attachments: list[AttachmentView]
    reactions: list[ReactionView] = Field(description="The most given ones first.")
    metadata: dict[str, Any] = Field(description="What else the platform says, as docs/discord-mapping.md lists it.")
    link: str = Field(description="Where the message can be read among its neighbours; it keeps working.")


class ReadChannelView(ResponseModel):
    """A channel, thread or post that is read."""

    channel_id: str = Field(description="The platform's id of it.")
    name: str | None
    type: str = Field(examples=["text", "thread"])
    parent_id: str | None = Field(description="The platform's id of its category, or of a thread's channel.")
    skip_reason: str | None = Field(description="Why it is not read any more; what was archived stays.")


class MessageWindowView(ResponseModel):
    """Messages that follow each other in a channel."""

    channel: ReadChannelView
    messages: list[MessageView] = Field(description="The oldest first; deleted ones are among them.")
    before: str | None = Field(description="Asks, as `before`, for the older ones; null: there are none.")
    after: str | None = Field(description="Asks, as `after`, for the newer ones; null: there are none.")


class DayView(ResponseModel):
    """A day (UTC) with messages."""

    day: date
    messages: int
    authors: int = Field(description="People, bots and webhooks that wrote them.")


class BusyChannelView(ResponseModel):
    """A channel with messages; those of its threads count as its own."""

    channel_id: str
    name: str | None
    messages: int
    authors: int


class UsedEmojiView(ResponseModel):
    """An emoji, and how often it was given."""

    emoji: str
    count: int


class StatisticsView(ResponseModel):
    """What was written in a tenant within some days; deleted messages do not count."""

    since: date
    until: date = Field(description="The last day, inclusive.")
    messages: int
    authors: int
    days: list[DayView] = Field(description="Those with messages, the oldest first.")
    hours: list[int] = Field(description="Messages by the hour of the day (UTC): 24 figures.")
    channels: list[BusyChannelView] = Field(description="The most active first, 20 at most.")
    reactions: list[UsedEmojiView] = Field(description="Given to messages of these days, the most used first.")
