"""Apply a live connection's changes, and decide which process applies them."""

from storage.live.apply import (
    apply_changes,
)
from storage.live.changes import (
    ChannelKey,
    MessageChange,
    ReactionState,
)
from storage.live.leader import (
    Leadership,
    acquire_leadership,
    advance_watermark,
)
from storage.live.unwritten import (
    kinds_of,
    unwritten_events,
)

__all__ = [
    "ChannelKey",
    "Leadership",
    "MessageChange",
    "ReactionState",
    "acquire_leadership",
    "advance_watermark",
    "apply_changes",
    "kinds_of",
    "unwritten_events",
]
