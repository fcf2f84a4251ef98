"""Channels and threads: what there is, what is read, and how far."""

from storage.channels.checkpoint import (
    ProgressState,
    advance,
    fail_channel,
    finish_channel,
)
from storage.channels.queries import (
    ChannelState,
    ChannelSummary,
    HasParent,
    channel_states,
    channel_summaries,
)
from storage.channels.set_aside import (
    note_set_aside,
)
from storage.channels.skip import (
    follow_parents,
    lock_channels,
    mark_skipped,
    require_archived,
)
from storage.channels.upsert import (
    save_changed_channels,
    save_channels,
    save_threads,
)

__all__ = [
    "ChannelState",
    "ChannelSummary",
    "HasParent",
    "ProgressState",
    "advance",
    "channel_states",
    "channel_summaries",
    "fail_channel",
    "finish_channel",
    "follow_parents",
    "lock_channels",
    "mark_skipped",
    "note_set_aside",
    "require_archived",
    "save_changed_channels",
    "save_channels",
    "save_threads",
]
