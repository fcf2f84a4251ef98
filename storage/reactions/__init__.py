"""Who is behind the reactions, and which of them are still to be fetched."""

from storage.reactions.keys import (
    COUNTS,
    TOTAL_KEY,
    USER_KEY,
    EmojiKey,
    TotalKey,
    UserKey,
    delete_totals,
    delete_users,
    lock_totals,
)
from storage.reactions.pending import (
    PENDING_IN_CHANNEL,
    PendingChannel,
    PendingTotal,
    pending_channels,
    pending_lists,
    pending_totals,
)
from storage.reactions.rows import PreparedUsers, add_users, prepare_users
from storage.reactions.users import UnsavedLists, UserList, refetch_users, save_users, save_users_along

__all__ = [
    "COUNTS",
    "PENDING_IN_CHANNEL",
    "TOTAL_KEY",
    "USER_KEY",
    "EmojiKey",
    "PendingChannel",
    "PendingTotal",
    "PreparedUsers",
    "TotalKey",
    "UnsavedLists",
    "UserKey",
    "UserList",
    "add_users",
    "delete_totals",
    "delete_users",
    "lock_totals",
    "pending_channels",
    "pending_lists",
    "pending_totals",
    "prepare_users",
    "refetch_users",
    "save_users",
    "save_users_along",
]
