"""A tenant's channels as a tree: what stands at the top with the figures of its threads, and the threads by pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from storage.channels.queries import SUMMARIES, ChannelSummary, summary_of
from storage.connection import Readable, finish_before_cancel
from storage.database import Database
from storage.sql import AFTER_ID, CHANNEL_ID, LIMIT, TENANT_ID, all_rows
from storage.tables import channels, sync_progress

_LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeChannel:
    """A channel, forum or category, and what its threads and posts hold together."""

    summary: ChannelSummary
    position: int  # where the platform shows it among its neighbours
    threads: int
    thread_messages: int
    threads_with_errors: int  # that the last sync gave up


_TOP = SUMMARIES.add_columns(channels.c.metadata).where(channels.c.tenant_id == TENANT_ID, channels.c.type != "thread")
_THREAD_FIGURES = (
    select(
        channels.c.parent_id,
        func.count().label("threads"),
        func.coalesce(func.sum(sync_progress.c.messages_archived), 0).label("messages"),
        func.count(sync_progress.c.last_error).label("errors"),
    )
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.type == "thread")
    .group_by(channels.c.parent_id)
)
_THREADS = (
    SUMMARIES.order_by(None)
    .where(channels.c.parent_id == CHANNEL_ID, channels.c.type == "thread", channels.c.id < AFTER_ID)
    .order_by(channels.c.id.desc())
    .limit(LIMIT)
)
_ALL_THREADS = (
    SUMMARIES.order_by(None)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.type == "thread")
    .order_by(channels.c.id.desc())
    .limit(LIMIT)
)


@finish_before_cancel
async def channel_tree(db: Readable, tenant_id: str) -> list[TreeChannel]:
    """List a tenant's channels, forums and categories with the figures of their threads, in the platform's order."""
    async with db.asking() as connection:
        figures = {row["parent_id"]: row for row in await all_rows(connection, _THREAD_FIGURES, {"tenant": tenant_id})}
        rows = await all_rows(connection, _TOP, {"tenant": tenant_id})
    found = []
    for row in rows:
        of_threads, position = figures.get(row["id"]), row["metadata"].get("position")
        found.append(
            TreeChannel(
                summary=summary_of(row),
                position=position if isinstance(position, int) else 0,
                threads=of_threads["threads"] if of_threads else 0,
                thread_messages=int(of_threads["messages"]) if of_threads else 0,
                threads_with_errors=of_threads["errors"] if of_threads else 0,
            )
        )
    return sorted(found, key=lambda channel: (channel.position, channel.summary.id))


@finish_before_cancel
async def thread_summaries(
    db: Database, channel_id: int, *, after: int | None = None, limit: int = 100
) -> Sequence[ChannelSummary]:
    """List a page of the threads or posts of a channel (``channels.id``), those that were first seen last at first.

    ``after`` is the ``id`` of the last one of the page before.
    """
    values = {"channel": channel_id, "after": _LAST_ID if after is None else after, "limit": limit}
    async with db.asking() as connection:
        return [summary_of(row) for row in await all_rows(connection, _THREADS, values)]


@finish_before_cancel
async def newest_threads(db: Readable, tenant_id: str, *, limit: int) -> Sequence[ChannelSummary]:
    """List the threads and posts of all channels of a tenant, those that were first seen last at first."""
    async with db.asking() as connection:
        rows = await all_rows(connection, _ALL_THREADS, {"tenant": tenant_id, "limit": limit})
    return [summary_of(row) for row in rows]
