"""What became of messages while the platform was connected."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from adapters.records import MessageRecord
from storage.messages import Newest

ChannelKey: TypeAlias = tuple[str, str]
"""A channel: tenant (ours) and channel (the platform's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionState:
    """Whether a user has given an emoji, by the last event about it."""

    emoji_key: str
    burst: bool
    emoji: str
    user_hash: str
    is_given: bool


@dataclass(slots=True, kw_only=True)
class MessageChange:
    """All that became of one message. What was cleared was cleared before the reactions here were given."""

    tenant_id: str
    channel_platform_id: str
    message_platform_id: str
    sent_at: datetime | None = None  # where the message lies in the channel or in a thread of it: when it was sent
    created: MessageRecord | None = None  # as it was sent; stored unless it is stored already
    edited: MessageRecord | None = None  # as it is now, but for its reactions
    is_deleted: bool = False
    is_missed: bool = False  # it is new, and was not shown in a way that could be stored: it is to be read
    is_invalidated: bool = False  # it changed in a way that the event did not say: it is to be read again
    is_cleared: bool = False  # all reactions were taken away
    cleared: set[str] = field(default_factory=set)  # the keys of the emoji that were taken away
    reactions: dict[tuple[str, bool, str], ReactionState] = field(default_factory=dict)

    @property
    def channel(self) -> ChannelKey:
        """The message's channel."""
        return self.tenant_id, self.channel_platform_id

    @property
    def is_after_creation(self) -> bool:
        """Whether something became of the message beside its creation."""
        has_reactions = bool(self.reactions or self.cleared or self.is_cleared)
        return self.edited is not None or self.is_deleted or self.is_invalidated or has_reactions

    @property
    def newest(self) -> Newest | None:
        """A new message; None where it is not new."""
        return (self.created.platform_id, self.created.sent_at) if self.created else None

    def react(self, state: ReactionState) -> None:
        """Note what a user did with an emoji; the last word counts."""
        self.reactions[state.emoji_key, state.burst, state.user_hash] = state

    def absorb(self, later: "MessageChange") -> None:
        """Take in what became of the same message later."""
        self.edited = later.edited or self.edited
        self.is_deleted |= later.is_deleted
        self.is_missed |= later.is_missed
        self.is_invalidated |= later.is_invalidated
        if later.is_cleared:
            self.clear(None)
        for emoji_key in later.cleared:
            self.clear(emoji_key)
        self.reactions |= later.reactions

    def clear(self, emoji_key: str | None) -> None:
        """Note that an emoji was taken away, or all of them (None), and forget who had given it until then."""
        if emoji_key is None:
            self.is_cleared, self.reactions = True, {}
        else:
            self.cleared.add(emoji_key)
            self.reactions = {key: state for key, state in self.reactions.items() if key[0] != emoji_key}
