"""What a platform tells while it is connected: which communities there are, and what changes in them.

Changes are told of public channels only, private already, as all records are, and in the platform's order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.records import ChannelRecord, MessageRecord, TenantRecord


@dataclass(frozen=True, slots=True)
class TenantsReady:
    """Connected: these, and only these, are the communities the bot is in."""

    tenants: tuple[TenantRecord, ...]


@dataclass(frozen=True, slots=True)
class TenantJoined:
    """The bot was added to a community, or one became available, or its name changed."""

    tenant: TenantRecord


@dataclass(frozen=True, slots=True)
class TenantLeft:
    """The bot was removed from a community. An outage is not this."""

    platform_id: str


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """The platform said that a channel or thread was deleted."""

    tenant_platform_id: str
    channel_platform_id: str


@dataclass(frozen=True, slots=True)
class TenantOutage:
    """The platform has an outage in a community: nothing is told of it until it is back, by a TenantJoined."""

    platform_id: str


PlatformEvent: TypeAlias = TenantsReady | TenantJoined | TenantLeft | TenantOutage | ChannelDeleted
Listener: TypeAlias = Callable[[PlatformEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRef:
    """A channel or thread of a community, by the platform's ids."""

    tenant_id: str
    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A message as it is now, whole but for its reactions, which have events of their own."""

    place: ChannelRef
    message: MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageInvalidated:
    """Something of a message changed, and the platform told too little of it: look again."""

    place: ChannelRef
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDeleted:
    """Messages were deleted."""

    place: ChannelRef
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionChanged:
    """A user gave a reaction or took one back."""

    place: ChannelRef
    message_id: str
    emoji_key: str
    emoji: str
    user_hash: str
    burst: bool
    is_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionsCleared:
    """All reactions of a message were taken away, or all of one emoji."""

    place: ChannelRef
    message_id: str
    emoji_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanged:
    """A channel or thread was made, renamed, hidden, shown, archived..."""

    tenant_id: str
    channel: ChannelRecord


LiveEvent: TypeAlias = (
    MessageEdited | MessageInvalidated | MessagesDeleted | ReactionChanged | ReactionsCleared | ChannelChanged
)
LiveListener: TypeAlias = Callable[[LiveEvent], None]
"""Must return at once and must not raise: it is called as the platform's messages come in."""
