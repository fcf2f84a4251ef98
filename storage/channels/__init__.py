"""Channels and threads: what there is, what is read, and how far."""

from storage.channels.checkpoint import (
    ProgressState,
    advance,
    fail_channel,
    finish_channel,
)
from storage.channels.coverage import (
    ChannelCoverage,
    channel_coverage,
)
from storage.channels.queries import (
    ChannelState,
    HasParent,
    channel_states,
)
from storage.channels.skip import (
    follow_parents,
    lock_channels,
    mark_skipped,
)
from storage.channels.upsert import (
    save_changed_channels,
    save_channels,
    save_threads,
)

__all__ = [
    "ChannelCoverage",
    "ChannelState",
    "HasParent",
    "ProgressState",
    "advance",
    "channel_coverage",
    "channel_states",
    "fail_channel",
    "finish_channel",
    "follow_parents",
    "lock_channels",
    "mark_skipped",
    "save_changed_channels",
    "save_channels",
    "save_threads",
]
