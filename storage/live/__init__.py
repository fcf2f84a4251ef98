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
    acquire_leadership,
    advance_watermark,
)
from storage.live.leads import (
    Lead,
    list_leads,
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
    "ReactionState",
    "acquire_leadership",
    "advance_watermark",
    "apply_changes",
    "catch_up",
    "count_followed",
    "kinds_of",
    "list_leads",
    "processes_of",
    "unwritten_events",
]
