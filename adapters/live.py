"""What a platform tells while it is connected: changes of what the archive holds already.

Only of public channels, and private already, as all records are. In the order in which the platform told them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.records import ChannelRecord, MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel or thread of a community, by the platform's ids."""

    tenant_id: str
    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A message as it is now, whole but for its reactions, which have events of their own."""

    place: Place
    message: MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTouched:
    """Something of a message changed, and the platform told too little of it: look again."""

    place: Place
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDeleted:
    """Messages were deleted."""

    place: Place
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionChanged:
    """A user gave a reaction or took one back."""

    place: Place
    message_id: str
    emoji_key: str
    emoji: str
    user_hash: str
    burst: bool
    is_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionsCleared:
    """All reactions of a message were taken away, or all of one emoji."""

    place: Place
    message_id: str
    emoji_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanged:
    """A channel or thread was made, renamed, hidden, shown, archived..."""

    tenant_id: str
    channel: ChannelRecord


LiveEvent: TypeAlias = (
    MessageEdited | MessageTouched | MessagesDeleted | ReactionChanged | ReactionsCleared | ChannelChanged
)
LiveListener: TypeAlias = Callable[[LiveEvent], None]
"""Must return at once and must not raise: it is called as the platform's messages come in."""
