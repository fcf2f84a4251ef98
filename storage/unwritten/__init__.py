"""Live events that could not be written: why, and how the message of each was settled."""

from storage.unwritten.ledger import (
    add_unwritten,
    note_unwritten,
)
from storage.unwritten.model import (
    OVERFLOWED,
    WITHHELD,
    EventKind,
    OpenEntry,
    Reason,
    Resolution,
    UnwrittenEvent,
    entries_within,
    reason_of,
)
from storage.unwritten.queries import (
    count_open_entries,
    open_entries,
    open_entries_of,
    prune_entries,
)
from storage.unwritten.settle import (
    IS_OPEN_IN_TENANT,
    plan_entries,
    settle_deleted,
    settle_excluded,
    settle_read,
)

__all__ = [
    "IS_OPEN_IN_TENANT",
    "OVERFLOWED",
    "WITHHELD",
    "EventKind",
    "OpenEntry",
    "Reason",
    "Resolution",
    "UnwrittenEvent",
    "add_unwritten",
    "count_open_entries",
    "entries_within",
    "note_unwritten",
    "open_entries",
    "open_entries_of",
    "plan_entries",
    "prune_entries",
    "reason_of",
    "settle_deleted",
    "settle_excluded",
    "settle_read",
]
