"""A tenant's channels as the tree that a page shows: by category, each with its threads, and how far it is archived."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.records import ChannelType, SkipReason
from bot.api import ChannelView, channel_view
from bot.pages.signs import Sign
from storage import channels
from storage.channels import ChannelSummary, ProgressState, TreeChannel
from storage.connection import Readable

_MOST_INLINE = 300  # threads of a whole tenant; where there are more, each channel's are on a page of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A channel, thread or post; ``inline`` are its threads where the tenant has few."""

    view: ChannelView
    threads: int = 0
    thread_messages: int = 0
    threads_with_errors: int = 0
    inline: Sequence["TreeRow"] = ()

    @property
    def sign(self) -> Sign:
        """How far it is archived."""
        return channel_sign(self.view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """Channels that stand together; those without a category have no name."""

    name: str | None
    rows: Sequence[TreeRow]


def channel_sign(view: ChannelView) -> Sign:
    """Return how far a channel is archived, or that it is not."""
    if view.skip_reason is not None:
        return Sign("⊘", "skipped", "warn")
    if view.last_error is not None:
        return Sign("✕", "given up", "bad")
    if view.state is ProgressState.SYNCING:
        return Sign("↻", "being read", "busy")
    if view.state is None and view.type is not ChannelType.FORUM:
        return Sign("…", "waits to be read", "busy")
    return Sign("✓", "archived", "good")


async def tree_of(db: Readable, tenant_id: str, words: Mapping[SkipReason, str]) -> list[Category]:
    """Gather the channels of a tenant by category, in the platform's order; ``words`` are as in ``channel_view``.

    Raises:
        StorageError: the database cannot be read.
    """
    top = await channels.channel_tree(db, tenant_id)
    threads = sum(channel.threads for channel in top)
    few = await channels.newest_threads(db, tenant_id, limit=_MOST_INLINE) if threads <= _MOST_INLINE else []
    inline: defaultdict[str | None, list[TreeRow]] = defaultdict(list)
    for thread in few:
        inline[thread.parent_platform_id].append(row_of(thread, words))
    categories = {
        channel.summary.platform_id: channel for channel in top if channel.summary.type is ChannelType.CATEGORY
    }
    grouped: dict[str | None, list[TreeRow]] = {None: [], **{platform_id: [] for platform_id in categories}}
    for channel in top:
        if channel.summary.platform_id not in categories:
            parent = channel.summary.parent_platform_id
            grouped[parent if parent in categories else None].append(_top_row(channel, inline, words))
    return [
        Category(name=categories[platform_id].summary.name if platform_id else None, rows=rows)
        for platform_id, rows in grouped.items()
        if rows
    ]


def row_of(summary: ChannelSummary, words: Mapping[SkipReason, str]) -> TreeRow:
    """Make the row of a thread or post; ``words`` are as in ``channel_view``."""
    return TreeRow(view=channel_view(summary, words))


def _top_row(
    channel: TreeChannel, inline: Mapping[str | None, Sequence[TreeRow]], words: Mapping[SkipReason, str]
) -> TreeRow:
    return TreeRow(
        view=channel_view(channel.summary, words),
        threads=channel.threads,
        thread_messages=channel.thread_messages,
        threads_with_errors=channel.threads_with_errors,
        inline=inline.get(channel.summary.platform_id, ()),
    )
