"""Channels and threads with their progress: as a sync needs them, and as people look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, and_, case, false, func, or_, select

from adapters.ids import number
from adapters.records import ChannelType, JsonValue, SkipReason
from storage.channels.checkpoint import ProgressState
from storage.channels.set_aside import set_aside_ids
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.reactions import PENDING_IN_CHANNEL
from storage.sql import AFTER_ID, CHANNEL_ID, TENANT_ID, all_rows, fields_of, one_row
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
    type: ChannelType
    skip_reason: SkipReason | None  # None: it is archived
    is_archived_thread: bool  # by the platform: a thread that only the listing of archived ones shows
    is_listed: bool  # False: a thread that only the messages of its channel show
    visible_since: datetime | None  # from when on the platform shows messages; None: all
    message_count: int | None  # how many messages it holds by the platform's own count
    head_id: str | None  # the newest message that the platform names, which may be gone
    checkpoint_id: str | None  # everything up to this message is stored
    checkpoint_at: datetime | None
    deleted_head_id: str | None  # the head that needs no request while it stays the same: deleted, or read beyond
    is_read_to_end: bool  # an end was met since the checkpoint last moved
    thread_cursor: Mapping[str, str] | None  # how far its archived threads have been listed
    threads_listed_at: datetime | None  # when an interrupted sync listed its archived threads
    unlisted_since: datetime | None  # since when it has been missing from all listings
    looked_up_at: datetime | None  # when it was last requested alone for that reason
    state: ProgressState | None  # None: it was never read
    messages_archived: int
    last_error: Mapping[str, JsonValue] | None

    @property
    def holds_messages(self) -> bool:
        """Whether messages can be requested of it."""
        return self.type in (ChannelType.TEXT, ChannelType.THREAD)

    @property
    def is_in_listings(self) -> bool:
        """Whether a listing of all channels and open threads contains it, if it is there."""
        return self.is_listed and not self.is_archived_thread

    @property
    def awaits_lookup(self) -> bool:
        """Whether a listing left it out that should have contained it, and it was not requested by itself since."""
        return self.unlisted_since is not None and self.looked_up_at is None

    @property
    def has_news(self) -> bool:
        """Whether it may hold messages beyond its checkpoint; where not, no request is sent.

        The platform's head is a hint: it may be deleted, left out, late, or older than what was read. A head of a text
        channel that is older than the checkpoint says nothing of newer messages, so the channel is read at each sync.
        """
        if self.skip_reason is not None or not self.holds_messages:
            return False
        if not self.is_read_to_end:
            return True
        if self.head_id is None or self.head_id == self.checkpoint_id:
            return False
        is_behind = number(self.head_id) < number(self.checkpoint_id)
        return self.head_id != self.deleted_head_id or (is_behind and self.type is ChannelType.TEXT)


_parent = channels.alias("parent")
_WITH_PROGRESS = channels.outerjoin(_parent, _parent.c.id == channels.c.parent_id).outerjoin(
    sync_progress, sync_progress.c.channel_id == channels.c.id
)
ALL_STATES = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.type,
        channels.c.skip_reason,
        channels.c.archived_at,
        channels.c.is_listed,
        channels.c.visible_since,
        channels.c.message_count,
        channels.c.head_platform_id.label("head_id"),
        channels.c.thread_cursor,
        channels.c.threads_listed_at,
        channels.c.unlisted_since,
        channels.c.looked_up_at,
        sync_progress.c.last_message_platform_id.label("checkpoint_id"),
        sync_progress.c.last_message_at.label("checkpoint_at"),
        sync_progress.c.deleted_head_platform_id.label("deleted_head_id"),
        func.coalesce(sync_progress.c.is_read_to_end, false()).label("is_read_to_end"),
        sync_progress.c.state,
        sync_progress.c.messages_archived,
        sync_progress.c.last_error,
    )
    .select_from(_WITH_PROGRESS)
    .order_by(channels.c.id)
)
_STATES = ALL_STATES.where(channels.c.tenant_id == TENANT_ID)
_STATE = ALL_STATES.where(channels.c.id == CHANNEL_ID)


@finish_before_cancel
async def channel_states(db: Database, tenant_id: str) -> list[ChannelState]:
    """List every channel and thread of a tenant, in the order in which they were first seen."""
    async with db.reading() as connection:
        return [state_of(row) for row in await all_rows(connection, _STATES, {"tenant": tenant_id})]


@finish_before_cancel
async def channel_state(db: Database, channel_id: int) -> ChannelState | None:
    """Load one channel or thread (``channels.id``); None where it is not stored."""
    async with db.reading() as connection:
        row = await one_row(connection, _STATE, {"channel": channel_id})
    return None if row is None else state_of(row)


def state_of(row: RowMapping) -> ChannelState:
    """Build the state from a row of ``ALL_STATES``."""
    values = dict(row)
    channel_type, archived_at = ChannelType(values["type"]), values.pop("archived_at")
    return ChannelState(
        **values
        | {
            "type": channel_type,
            "skip_reason": SkipReason(values["skip_reason"]) if values["skip_reason"] else None,
            "state": ProgressState(values["state"]) if values["state"] else None,
            "messages_archived": values["messages_archived"] or 0,
            "is_read_to_end": bool(values["is_read_to_end"]),
            "is_archived_thread": channel_type is ChannelType.THREAD and archived_at is not None,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSummary:
    """A channel or thread, and how much of it is kept."""

    id: int
    platform_id: str
    parent_platform_id: str | None
    name: str | None
    type: ChannelType
    sync_state: str  # archived or skipped
    skip_reason: SkipReason | None
    skipped_since: datetime | None
    visible_since: datetime | None  # from when on the platform shows messages; None: all
    messages_archived: int
    checkpoint_id: str | None  # everything up to this message is stored
    checkpoint_at: datetime | None
    state: ProgressState | None  # None: it was never read
    last_error: Mapping[str, JsonValue] | None
    set_aside: Sequence[str]  # messages that the database cannot hold
    reactions_pending: int  # user lists still to be fetched; none where it is skipped
    updated_at: datetime | None  # of its progress


IS_INCOMPLETE = or_(
    and_(
        channels.c.skip_reason.is_(None),
        or_(
            sync_progress.c.last_error.is_not(None),
            sync_progress.c.state.in_(["syncing", "failed"]),
            # Also one without a head: that the platform names no newest message says nothing of whether there are any.
            and_(sync_progress.c.state.is_(None), channels.c.type.in_(["text", "thread"])),
        ),
    ),
    channels.c.skip_reason == "bot_lacks_access",
)
"""SQL condition: everyone may read the channel, and not everything of it is archived. Needs a join of its progress."""

SUMMARIES = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.name,
        channels.c.type,
        channels.c.sync_state,
        channels.c.skip_reason,
        channels.c.skipped_since,
        channels.c.visible_since,
        func.coalesce(sync_progress.c.messages_archived, 0).label("messages_archived"),
        sync_progress.c.last_message_platform_id.label("checkpoint_id"),
        sync_progress.c.last_message_at.label("checkpoint_at"),
        sync_progress.c.state,
        sync_progress.c.last_error,
        sync_progress.c.set_aside,
        case((channels.c.skip_reason.is_(None), PENDING_IN_CHANNEL), else_=0).label("reactions_pending"),
        sync_progress.c.updated_at,
    )
    .select_from(_WITH_PROGRESS)
    .order_by(channels.c.id)
)
"""What a ``ChannelSummary`` is made of."""

_PAGE = SUMMARIES.where(channels.c.tenant_id == TENANT_ID, channels.c.id > AFTER_ID)


@finish_before_cancel
async def channel_summaries(
    db: Database, tenant_id: str, *, after: int | None = None, limit: int = 100, only_incomplete: bool = False
) -> list[ChannelSummary]:
    """List a page of a tenant's channels with ids beyond ``after``, in the order in which they were first seen.

    ``only_incomplete`` leaves out channels that are read to their end, and channels that are not public.
    """
    values = {"tenant": tenant_id, "after": after or 0}
    query = _PAGE.where(IS_INCOMPLETE) if only_incomplete else _PAGE
    async with db.reading() as connection:
        return [summary_of(row) for row in await all_rows(connection, query.limit(limit), values)]


def summary_of(row: RowMapping) -> ChannelSummary:
    """Make a summary of a row of ``SUMMARIES``."""
    values = fields_of(row, ChannelSummary)
    return ChannelSummary(
        **values
        | {
            "type": ChannelType(values["type"]),
            "skip_reason": SkipReason(values["skip_reason"]) if values["skip_reason"] else None,
            "state": ProgressState(values["state"]) if values["state"] else None,
            "set_aside": set_aside_ids(values["set_aside"]),
            "reactions_pending": int(values["reactions_pending"]),
        }
    )
