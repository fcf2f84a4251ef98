"""Who is behind the reactions, and which of them are still to be fetched."""

from storage.reactions.pending import (
    IS_TO_BE_FETCHED,
    UNKNOWN,
    PendingChannel,
    PendingTotal,
    pending_channels,
    pending_lists,
    pending_totals,
)
from storage.reactions.users import (
    save_users,
)

__all__ = [
    "IS_TO_BE_FETCHED",
    "UNKNOWN",
    "PendingChannel",
    "PendingTotal",
    "pending_channels",
    "pending_lists",
    "pending_totals",
    "save_users",
]
