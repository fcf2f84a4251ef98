"""Apply a live connection's changes, and decide which process applies them."""

from storage.live.apply import (
    Applied,
    apply_changes,
)
from storage.live.changes import (
    ChannelKey,
    MessageChange,
    ReactionState,
)
from storage.live.checkpoints import (
    catch_up,
    count_followed,
)
from storage.live.leader import (
    Leadership,
    Part,
    acquire_leadership,
    advance_watermark,
    free_parts,
    hold_leadership,
    release_leadership,
)
from storage.live.leads import (
    Lead,
    list_leads,
    other_division,
    processes_of,
)
from storage.live.unwritten import (
    kinds_of,
    unwritten_events,
)

__all__ = [
    "Applied",
    "ChannelKey",
    "Lead",
    "Leadership",
    "MessageChange",
    "Part",
    "ReactionState",
    "acquire_leadership",
    "advance_watermark",
    "apply_changes",
    "catch_up",
    "count_followed",
    "free_parts",
    "hold_leadership",
    "kinds_of",
    "list_leads",
    "other_division",
    "processes_of",
    "release_leadership",
    "unwritten_events",
]
