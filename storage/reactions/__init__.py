"""Who is behind the reactions, and which of them are still to be fetched."""

from storage.reactions.pending import (
    COUNT_LISTS,
    IS_TO_BE_FETCHED,
    NO_TOTAL,
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
    "COUNT_LISTS",
    "IS_TO_BE_FETCHED",
    "NO_TOTAL",
    "PendingChannel",
    "PendingTotal",
    "pending_channels",
    "pending_lists",
    "pending_totals",
    "save_users",
]
