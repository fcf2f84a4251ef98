"""Who is behind the reactions, and which of them are still to be fetched."""

from storage.reactions.pending import (
    PENDING_IN_CHANNEL,
    PendingChannel,
    PendingTotal,
    pending_channels,
    pending_lists,
    pending_totals,
)
from storage.reactions.rows import PreparedUsers, UserKey, add_users, prepare_users
from storage.reactions.users import (
    save_users,
)

__all__ = [
    "PENDING_IN_CHANNEL",
    "PendingChannel",
    "PendingTotal",
    "PreparedUsers",
    "UserKey",
    "add_users",
    "pending_channels",
    "pending_lists",
    "pending_totals",
    "prepare_users",
    "save_users",
]
