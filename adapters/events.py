"""What a platform reports while it is connected: which communities there are, and what changes in them.

Changes are those of public channels only, in the platform's order, and private already, as all records are.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.parts import THE_ONLY_PART
from adapters.records import ChannelRecord, MessageRecord, TenantRecord


def everything(_: str) -> bool:
    """Cover every community, for a connection that has one part only."""
    return True


@dataclass(frozen=True, slots=True)
class TenantsReady:
    """A part of the connection began a new session; of the communities it covers, the bot is in exactly these.

    A connection may have parts that are lost and begin again independently, such as a gateway's shards. Changes may
    have been missed in the communities for which ``covers`` returns True.
    """

    tenants: tuple[TenantRecord, ...]
    part: str = THE_ONLY_PART
    covers: Callable[[str], bool] = everything  # by a community's platform id


@dataclass(frozen=True, slots=True)
class TenantsReleased:
    """This process no longer receives the events of a part: it holds it no more, or the communities are divided anew.

    It says nothing of whether the bot is in the communities, for which ``covers`` returns True.
    """

    part: str
    covers: Callable[[str], bool]  # by a community's platform id


@dataclass(frozen=True, slots=True)
class TenantJoined:
    """The bot was added to a community, or one became available, or its name changed."""

    tenant: TenantRecord


@dataclass(frozen=True, slots=True)
class TenantLeft:
    """The bot was removed from a community. An outage is not this."""

    platform_id: str


@dataclass(frozen=True, slots=True)
class TenantOutage:
    """The platform has an outage in a community: no event comes from it until a TenantJoined says that it is back."""

    platform_id: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An unbroken stream of one community's events: each of its changes since it began has been received, or will be.

    Once anything may have been missed there is another one.
    """

    id: Hashable
    unsettled: int  # events so far that say less than a listing of all channels and threads after them would


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """A channel or thread was deleted, by the platform's own word."""

    tenant_platform_id: str
    channel_platform_id: str


PlatformEvent: TypeAlias = TenantsReady | TenantsReleased | TenantJoined | TenantLeft | TenantOutage | ChannelDeleted
EventHandler: TypeAlias = Callable[[PlatformEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRef:
    """A channel or thread of a community, by the platform's ids."""

    tenant_platform_id: str
    platform_id: str
    message_sent_at: datetime | None = None
    """Where an event does not say whether its message lies in the channel or in a thread of it: when that was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCreated:
    """A new message, whole, as it was sent: nobody had reacted to it yet."""

    channel: ChannelRef
    message: MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMissed:
    """A new message that its event does not show whole: it has to be read."""

    channel: ChannelRef
    message_platform_id: str | None  # None: not even that can be read


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A message as it is now, whole but for its reactions, which have events of their own."""

    channel: ChannelRef
    message: MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageInvalidated:
    """A message changed in a way that the event does not show: it has to be read again."""

    channel: ChannelRef
    message_platform_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDeleted:
    """Messages were deleted."""

    channel: ChannelRef
    message_platform_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionChanged:
    """A user gave a reaction or took one back."""

    channel: ChannelRef
    message_platform_id: str
    emoji_key: str
    emoji: str
    user_hash: str
    burst: bool
    is_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionsCleared:
    """All reactions of a message were removed, or all of one emoji."""

    channel: ChannelRef
    message_platform_id: str
    emoji_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanged:
    """A channel or thread was made, renamed, hidden, shown, archived..."""

    tenant_platform_id: str
    record: ChannelRecord
    is_new: bool = False  # it was made just now: every message in it has an event behind this one


LiveEvent: TypeAlias = (
    MessageCreated
    | MessageMissed
    | MessageEdited
    | MessageInvalidated
    | MessagesDeleted
    | ReactionChanged
    | ReactionsCleared
    | ChannelChanged
)
LiveEventHandler: TypeAlias = Callable[[LiveEvent], None]
"""Must return at once and must not raise: it is called as the platform's messages come in."""
