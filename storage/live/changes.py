"""What became of messages while the platform was listened to."""

from dataclasses import dataclass
from datetime import datetime

from adapters.records import MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionState:
    """Whether a user has given an emoji, by the last that was told of it."""

    emoji_key: str
    emoji: str
    user_hash: str
    burst: bool
    is_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChange:
    """All that became of one message. Reactions were taken away before those that are told here."""

    tenant_id: str
    channel_id: str  # the platform's
    message_id: str
    edited: MessageRecord | None  # as it is now, but for its reactions
    is_deleted: bool
    is_invalidated: bool  # something changed, and too little of it was told: it is to be looked at again
    is_cleared: bool  # all reactions were taken away
    cleared: frozenset[str]  # the keys of the emoji that were taken away
    reactions: tuple[ReactionState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change of a message that is stored."""

    change: MessageChange
    channel_id: int  # channels.id
    edited_at: datetime | None  # as stored

    @property
    def edited(self) -> MessageRecord | None:
        """What the message became; None too where what is stored is newer."""
        edited = self.change.edited
        if edited is None or self.edited_at is None:
            return edited
        return edited if edited.edited_at is not None and edited.edited_at >= self.edited_at else None
