"""What an assistant sends to each tool; nothing else is taken."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.api import Day, MessageId
from bot.search_query import LONGEST_QUERY
from storage.search import CURSOR_PATTERN, Order

_GOES_ON = "Where the answer before ended: its `cursor`, with the same arguments."
_LONGEST_LINK = 300  # characters
_MESSAGE = re.compile(r"(?:https?://\S+[/=])?([0-9]{1,19})(?:#\S*)?", re.ASCII)


def _message_id(value: object) -> object:
    """Take the id out of a link to a message, ours or the platform's."""
    text = value.strip() if isinstance(value, str) else ""
    found = _MESSAGE.fullmatch(text) if len(text) <= _LONGEST_LINK else None
    if found is None:
        raise ValueError("must be the id of a message, in digits, or a link to it")
    return str(int(found[1]))


Message = Annotated[
    str,
    BeforeValidator(_message_id),
    Field(max_length=_LONGEST_LINK, description="The id of a message, or a link to it."),
]
Channel = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern="^[^\\x00]+$",
        description="Its id, or its name as it is now.",
        examples=["general", "1098765432109876543"],
    ),
]
Number = Annotated[str, Field(pattern="^[0-9]{1,18}$", description=_GOES_ON)]
MessageCursor = Annotated[MessageId, Field(description=_GOES_ON)]


class Arguments(BaseModel):
    """What every tool takes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    tenant: (
        Annotated[
            str,
            Field(
                pattern="^[a-z]+-[A-Za-z0-9]{1,64}$",
                description="Which community, as in discord-<guild id>. May be left out where there is one alone.",
                examples=["discord-1098765432109876543"],
            ),
        ]
        | None
    ) = None


class Search(Arguments):
    """Words and filters."""

    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_QUERY,
            description='Words, "phrases", beginnings* and filters; all have to apply, a minus before one excludes it. '
            "Filters: from:<pseudonym> in:<channel> thread:<thread> before: after: during: (2026, 2026-05, 2026-05-17, "
            "UTC) has:file|image|link|reaction|reply|poll|embed|sticker mentions:<pseudonym> reaction:<emoji> type: "
            "is:pinned|edited|deleted deleted:any near:<message id>.",
            examples=['deploy "on friday" in:general after:2026-05 -from:1a2b3c4d'],
        ),
    ]
    order: Annotated[Order, Field(strict=False, description="In which order they come.")] = Order.NEWEST
    limit: Annotated[int, Field(ge=1, le=50, description="How many messages at most.")] = 20
    cursor: Annotated[str, Field(pattern=CURSOR_PATTERN, description=_GOES_ON)] | None = None


class ReadAround(Arguments):
    """A message and its neighbours."""

    message: Message
    before: Annotated[int, Field(ge=0, le=100, description="How many messages before it.")] = 10
    after: Annotated[int, Field(ge=0, le=100, description="How many messages behind it.")] = 10
    cursor: MessageCursor | None = None


class ReadDay(Arguments):
    """A day of a channel."""

    channel: Channel
    day: Annotated[Day, Field(description="As in 2026-11-26.")]
    zone: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            description="Whose day it is: a time zone.",
            examples=["Europe/Berlin", "+05:30"],
        ),
    ] = "UTC"
    cursor: MessageCursor | None = None


class Thread(Arguments):
    """A thread or post."""

    thread: Annotated[Channel, Field(description="A thread or post: its id or name; a message has it as `thread`.")]
    cursor: MessageCursor | None = None


class Conversation(Arguments):
    """What a message answers, and what answers it."""

    message: Message
    cursor: Number | None = None


class Channels(Arguments):
    """The channels of a community, or the threads of one of them."""

    channel: Annotated[Channel, Field(description="The threads and posts of this channel; left out: the channels.")] | (
        None
    ) = None
    cursor: Number | None = None


class GroupBy(StrEnum):
    """By what messages are counted."""

    DAY = "day"
    HOUR = "hour"
    CHANNEL = "channel"
    AUTHOR = "author"
    REACTION = "reaction"


class Stats(Arguments):
    """Figures of some days."""

    group_by: Annotated[GroupBy, Field(strict=False, description="By what is counted.")]
    since: Annotated[Day, Field(description="The first day (UTC); left out: 29 days before the last.")] | None = None
    until: Annotated[Day, Field(description="The last day (UTC), inclusive; left out: today.")] | None = None
    cursor: Number | None = None


class Coverage(Arguments):
    """How complete the archive is."""

    cursor: Number | None = None
