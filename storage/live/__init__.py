"""Apply a live connection's changes, and decide which process applies them."""

from storage.live.apply import (
    apply_changes,
)
from storage.live.changes import (
    MessageChange,
    ReactionState,
)
from storage.live.leader import (
    Leadership,
    acquire_leadership,
    advance_watermark,
)

__all__ = [
    "Leadership",
    "MessageChange",
    "ReactionState",
    "acquire_leadership",
    "advance_watermark",
    "apply_changes",
]
