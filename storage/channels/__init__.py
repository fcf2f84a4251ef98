"""Channels and threads: what there is, what is read, and how far."""

from storage.channels.checkpoint import (
    ProgressState,
    advance,
    fail_channel,
    finish_channel,
    is_beyond,
)
from storage.channels.comparison import (
    differing,
)
from storage.channels.listed import (
    save_channels,
    save_threads,
)
from storage.channels.listings import (
    archived_threads,
    forget_listings,
    keep_listings,
    note_listed,
    note_lookup,
    note_unlisted,
)
from storage.channels.needs import (
    channels_to_be_found,
    channels_to_be_read,
    named_channels,
)
from storage.channels.queries import (
    ChannelState,
    ChannelSummary,
    HasParent,
    channel_state,
    channel_states,
    channel_summaries,
)
from storage.channels.reopening import clear_error, reopen_channel
from storage.channels.set_aside import (
    forget_absent,
    forget_deleted,
    note_set_aside,
    set_aside_ids,
)
from storage.channels.skip import (
    bound_hidings,
    follow_parents,
    lock_channels,
    mark_skipped,
    require_archived,
)
from storage.channels.tree import (
    TreeChannel,
    channel_tree,
    newest_threads,
    thread_summaries,
)
from storage.channels.upsert import (
    save_changed_channels,
)
from storage.channels.visibility import note_visible_since

__all__ = [
    "ChannelState",
    "ChannelSummary",
    "HasParent",
    "ProgressState",
    "TreeChannel",
    "advance",
    "archived_threads",
    "bound_hidings",
    "channel_state",
    "channel_states",
    "channel_summaries",
    "channel_tree",
    "channels_to_be_found",
    "channels_to_be_read",
    "clear_error",
    "differing",
    "fail_channel",
    "finish_channel",
    "follow_parents",
    "forget_absent",
    "forget_deleted",
    "forget_listings",
    "is_beyond",
    "keep_listings",
    "lock_channels",
    "mark_skipped",
    "named_channels",
    "newest_threads",
    "note_listed",
    "note_lookup",
    "note_set_aside",
    "note_unlisted",
    "note_visible_since",
    "reopen_channel",
    "require_archived",
    "save_changed_channels",
    "save_channels",
    "save_threads",
    "set_aside_ids",
    "thread_summaries",
]
