"""Channels as an assistant gets them: what is archived of each, or why it is not."""

from collections.abc import Mapping

from adapters.records import SkipReason
from bot.api import Facts
from bot.mcp.answers import ChannelAnswer, PlaceAnswer
from bot.mcp.messages import name_of
from bot.mcp.wire import shortened
from storage.channels import ChannelSummary, TreeChannel
from storage.reading import ShownChannel

_MOST_ERROR = 300  # characters


def place_of(channel: ShownChannel, words: Mapping[SkipReason, str]) -> PlaceAnswer:
    """Write the channel or thread that is read; ``words`` say why one is not archived."""
    return PlaceAnswer(
        id=channel.platform_id,
        name=name_of(channel.name),
        type=channel.type,
        parent=channel.parent_platform_id,
        state=channel.sync_state,
        why_not=words[SkipReason(channel.skip_reason)] if channel.skip_reason else None,
        skipped_since=channel.skipped_since,
    )


def channel_of(
    summary: ChannelSummary, words: Mapping[SkipReason, str], tree: TreeChannel | None = None
) -> ChannelAnswer:
    """Write a channel of a list; ``words`` say why one is not archived, ``tree`` has the figures of its threads."""
    reason = summary.skip_reason
    error = Facts(summary.last_error or {}).text("message")
    return ChannelAnswer(
        id=summary.platform_id,
        name=name_of(summary.name),
        type=summary.type,
        parent=summary.parent_platform_id,
        state="archived" if reason is None else "skipped",
        why_not=words[reason] if reason else None,
        skipped_since=summary.skipped_since,
        messages=summary.messages_archived,
        read_until=summary.checkpoint_at,
        error=shortened(error, _MOST_ERROR) if error else None,
        threads=tree.threads if tree and tree.threads else None,
        thread_messages=tree.thread_messages if tree and tree.threads else None,
    )
