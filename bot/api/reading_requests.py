"""What callers send who read the archive: of which channel, from where on, of which days."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.api.requests import TenantPath

_CHANNEL_ID = r"^[A-Za-z0-9._-]{1,64}$"
_MESSAGE_ID = r"^(0|[1-9][0-9]{0,18})$"
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _as_day(value: object) -> object:
    """Make a day of a text such as 2026-11-26."""
    if not isinstance(value, str):
        return value
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a day as in 2026-11-26")


def _as_message_id(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_MESSAGE_ID[1:-1], value, re.ASCII):
        raise ValueError("must be the id of a message, decimal digits as in 1098765432109876543")
    return value


def _as_channel_id(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_CHANNEL_ID[1:-1], value, re.ASCII):
        raise ValueError("must be the platform's id of a channel, as in 1098765432109876543")
    return value


Day = Annotated[date, BeforeValidator(_as_day)]
"""A day in UTC."""

MessageId = Annotated[str, Field(pattern=_MESSAGE_ID), BeforeValidator(_as_message_id)]
"""The platform's id of a message."""

ChannelId = Annotated[
    str,
    Field(pattern=_CHANNEL_ID, description="A channel, thread or post: the platform's id of it."),
    BeforeValidator(_as_channel_id),
]


class MessagePage(TenantPath):
    """A window of a channel's messages. Without a place in it: the newest ones."""

    channel: ChannelId
    before: Annotated[MessageId, Field(description="Only messages before this one.")] | None = None
    after: Annotated[MessageId, Field(description="Only messages behind this one.")] | None = None
    around: Annotated[MessageId, Field(description="This message, and as many before it as behind it.")] | None = None
    day: Annotated[Day, Field(description="Messages from the beginning of this day (UTC) on.")] | None = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many messages at most.")] = 100


class MessagePath(TenantPath):
    """A message of a channel."""

    message_id: Annotated[MessageId, Field(alias="messageId", description="The platform's id of the message.")]
    channel: ChannelId


class StatisticsRange(TenantPath):
    """The days that are counted, thirty where nothing is said; given in the wrong order they are taken in the right."""

    since: Annotated[Day, Field(description="The first day (UTC); left out: 29 days before the last.")] | None = None
    until: Annotated[Day, Field(description="The last day (UTC), inclusive; left out: today.")] | None = None
