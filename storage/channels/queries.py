"""Channels and threads: what there is, what is read, and how far.

Here is the question that a sync asks; what changes channels is in ``channel_saving`` and ``channel_skipping`` and can
be had from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, select

from adapters.records import ChannelType, JsonValue, SkipReason
from storage.channels.checkpoint import ProgressState
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import all_rows
from storage.tables import channels, sync_progress


class HasParent:
    """A channel or thread, as far as a request for its messages needs to know it."""

    __slots__ = ()

    type: ChannelType
    parent_platform_id: str | None

    @property
    def thread_parent_id(self) -> str | None:
        """The platform's id of the channel that a thread is in; None where this is no thread."""
        return self.parent_platform_id if self.type is ChannelType.THREAD else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState(HasParent):
    """A channel or thread with its progress, as a sync needs it."""

    id: int
    platform_id: str
    parent_platform_id: str | None
    name: str | None
    type: ChannelType
    skip_reason: SkipReason | None  # None: it is archived
    skipped_since: datetime | None
    is_archived_thread: bool  # by the platform: a thread that only the listing of archived ones shows
    message_count: int | None  # how many messages it holds by the platform's own count
    head_id: str | None  # the newest message that the platform told of, which may be gone
    checkpoint_id: str | None  # everything up to this message is stored
    checkpoint_at: datetime | None
    deleted_head_id: str | None  # a newest message that the platform told of and that is gone
    thread_cursor: Mapping[str, str] | None  # how far its archived threads have been listed
    state: ProgressState | None  # None: nothing was ever asked of it
    messages_archived: int
    last_error: Mapping[str, JsonValue] | None
    last_job_id: str | None

    @property
    def holds_messages(self) -> bool:
        """Whether messages can be asked of it."""
        return self.type in (ChannelType.TEXT, ChannelType.THREAD)


_parent = channels.alias("parent")
_STATES = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.name,
        channels.c.type,
        channels.c.skip_reason,
        channels.c.skipped_since,
        channels.c.metadata,
        channels.c.head_platform_id.label("head_id"),
        channels.c.thread_cursor,
        sync_progress.c.last_message_platform_id.label("checkpoint_id"),
        sync_progress.c.last_message_at.label("checkpoint_at"),
        sync_progress.c.deleted_head_platform_id.label("deleted_head_id"),
        sync_progress.c.state,
        sync_progress.c.messages_archived,
        sync_progress.c.last_error,
        sync_progress.c.last_job_id,
    )
    .select_from(
        channels.outerjoin(_parent, _parent.c.id == channels.c.parent_id).outerjoin(
            sync_progress, sync_progress.c.channel_id == channels.c.id
        )
    )
    .where(channels.c.tenant_id == bindparam("tenant"))
    .order_by(channels.c.id)
)


@finish_before_cancel
async def channel_states(db: Database, tenant_id: str) -> list[ChannelState]:
    """Every channel and thread of a tenant, in the order in which they were first seen."""
    async with db.reading() as connection:
        return [_state(row) for row in await all_rows(connection, _STATES, {"tenant": tenant_id})]


def _state(row: RowMapping) -> ChannelState:
    values = dict(row)
    channel_type, metadata = ChannelType(values["type"]), values.pop("metadata")
    return ChannelState(
        **values
        | {
            "type": channel_type,
            "skip_reason": SkipReason(values["skip_reason"]) if values["skip_reason"] else None,
            "state": ProgressState(values["state"]) if values["state"] else None,
            "messages_archived": values["messages_archived"] or 0,
            "message_count": count if isinstance(count := metadata.get("message_count"), int) else None,
            "is_archived_thread": channel_type is ChannelType.THREAD and metadata.get("archived") is True,
        }
    )
