"""Which reactions' users are still to be fetched.

A total is one emoji on one message in one kind, normal or burst, because a platform lists the users of each kind by
itself. It is pending while ``fetched_count``, the count at which its users were last fetched, is not its ``count``.

A live event can change a count whose users are not all stored: then nobody knows how many there are, because the event
may be in the count already. The event raises ``uncounted_events`` and takes ``fetched_count`` away, and the next fetch
lists the users to their end and counts them (docs/decisions/0010).
"""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import RowMapping, and_, bindparam, case, func, select, tuple_
from sqlalchemy.types import Boolean, Integer

from adapters.records import ChannelType
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import CHANNEL_ID, LIMIT, MESSAGE_PLATFORM_ID, TENANT_ID, Id, all_rows, fields_of, rows_in_slices
from storage.tables import IS_PENDING, channels, messages, reaction_totals

UNKNOWN = 10**9
"""How many users to ask for where the count is unknown: more than there can be, so that a list is read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTotal:
    """A total whose users are to be fetched."""

    channel_id: int  # channels.id
    message_platform_id: str
    emoji_key: str
    burst: bool
    emoji: str
    count: int
    fetched_count: int | None
    uncounted_events: int
    created_at: datetime  # a total that was cleared and given again has another one

    @property
    def is_count_known(self) -> bool:
        """Whether no event has changed the count by an unknown number."""
        return self.uncounted_events == 0

    @property
    def expected(self) -> int:
        """How many users to ask the platform for."""
        return self.count if self.is_count_known else UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChannel:
    """A channel with reactions whose users are to be fetched."""

    id: int
    platform_id: str
    parent_platform_id: str | None
    type: ChannelType
    lists: int  # of users: one for each total
    requests: int  # that they take, by their counts


_total = reaction_totals.c
# Deleted messages are few and indexed: subtracting their totals is cheaper than looking up the message of each pending
# total.
_of_deleted = messages.join(
    reaction_totals,
    and_(_total.channel_id == messages.c.channel_id, _total.message_platform_id == messages.c.platform_id),
)
_in_channel = select(func.count()).select_from(reaction_totals).where(_total.channel_id == channels.c.id, IS_PENDING)
# Not a join: SQLite would begin at the pending totals, and look up the message of each.
_deleted_in_channel = select(messages.c.platform_id).where(
    messages.c.tenant_id == channels.c.tenant_id,
    messages.c.channel_id == channels.c.id,
    messages.c.deleted_at.is_not(None),
)
_deleted = _in_channel.where(_total.message_platform_id.in_(_deleted_in_channel.correlate(channels)))
PENDING_IN_CHANNEL = _in_channel.correlate(channels).scalar_subquery() - _deleted.correlate(channels).scalar_subquery()
"""How many user lists of a channel are still to be fetched."""

_at_least_one = case((_total["count"] > 0, _total["count"]), else_=1)
_users_per_request = bindparam("users_per_request", type_=Integer)
_requests = (_at_least_one + (_users_per_request - 1)) // _users_per_request

# Looked up for each pending total by itself: with a join a database begins at all the messages there are.
# As a truth, and not as a time that is null: of that PostgreSQL expects one in two hundred, and would sort them all.
_is_there = (
    select(messages.c.deleted_at.is_(None))
    .where(messages.c.channel_id == _total.channel_id, messages.c.platform_id == _total.message_platform_id)
    .correlate(reaction_totals)
    .scalar_subquery()
)
IS_TO_BE_FETCHED = and_(IS_PENDING, _is_there)
"""Whether the users of a total are to be fetched; those of a deleted message cannot be."""

_parent = channels.alias("parent")
_archived = select(channels.c.id).where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
_SUMS = (_total.channel_id, func.count().label("lists"), func.sum(_requests).label("requests"))
_sums = select(*_SUMS).where(_total.channel_id.in_(_archived), IS_PENDING).group_by(_total.channel_id).subquery("sums")
_deleted_sums = (
    select(*_SUMS)
    .select_from(_of_deleted)
    .where(messages.c.tenant_id == TENANT_ID, messages.c.deleted_at.is_not(None), IS_PENDING)
    .group_by(_total.channel_id)
    .subquery("deleted_sums")
)
_lists = _sums.c.lists - func.coalesce(_deleted_sums.c.lists, 0)
_PENDING_CHANNELS = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.type,
        _lists.label("lists"),
        (_sums.c.requests - func.coalesce(_deleted_sums.c.requests, 0)).label("requests"),
    )
    .select_from(
        _sums.join(channels, channels.c.id == _sums.c.channel_id)
        .outerjoin(_deleted_sums, _deleted_sums.c.channel_id == _sums.c.channel_id)
        .outerjoin(_parent, _parent.c.id == channels.c.parent_id)
    )
    .where(_lists > 0)
    .order_by(channels.c.id)
)

_PENDING_LISTS = select(func.coalesce(func.sum(_PENDING_CHANNELS.order_by(None).subquery("pending").c.lists), 0))


@finish_before_cancel
async def pending_channels(db: Database, tenant_id: str, *, users_per_request: int) -> list[PendingChannel]:
    """List the archived channels of a tenant with pending totals, in the order in which they were first seen."""
    params = {"tenant": tenant_id, "users_per_request": users_per_request}
    async with db.reading() as connection:
        slices = rows_in_slices(connection, _PENDING_CHANNELS, params)
        return [_channel(row) async for rows in slices for row in rows]


def _channel(row: RowMapping) -> PendingChannel:
    values = fields_of(row, PendingChannel)
    numbers = {"lists": int(values["lists"]), "requests": int(values["requests"])}
    return PendingChannel(**values | numbers | {"type": ChannelType(values["type"])})


@finish_before_cancel
async def pending_lists(db: Database, tenant_id: str) -> int:
    """Count the user lists of a tenant that are still to be fetched."""
    async with db.reading() as connection:
        params = {"tenant": tenant_id, "users_per_request": 1}  # only the lists are counted
        return int((await connection.execute(_PENDING_LISTS, params)).scalar_one())


_KEY = (_total.message_platform_id, _total.emoji_key, _total.burst)
# Their keys first, which are all in the index: else SQLite would read all totals of the channel.
_page = (
    select(_total.channel_id, *_KEY)
    .where(_total.channel_id == CHANNEL_ID, IS_TO_BE_FETCHED)
    .where(tuple_(*_KEY) > tuple_(MESSAGE_PLATFORM_ID, bindparam("emoji", type_=Id), bindparam("burst", type_=Boolean)))
    .order_by(*_KEY)
    .limit(LIMIT)
    .subquery("page")
)
_whole = reaction_totals.alias("whole")
_PENDING_TOTALS = (
    select(*(_whole.c[field.name] for field in fields(PendingTotal)))
    .select_from(_page.join(_whole, and_(*(_whole.c[column.name] == column for column in _page.c))))
    .order_by(_page.c.message_platform_id, _page.c.emoji_key, _page.c.burst)
)


@finish_before_cancel
async def pending_totals(db: Database, channel_id: int, after: PendingTotal | None, limit: int) -> list[PendingTotal]:
    """List the pending totals of a channel (``channels.id``), a page at a time.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        after: the last one of the page before; None for the first page. Their order is that of text.
        limit: how many at most.
    """
    message_id, emoji_key, burst = (
        (after.message_platform_id, after.emoji_key, after.burst) if after else ("", "", False)
    )
    values = {"channel": channel_id, "message": message_id, "emoji": emoji_key, "burst": burst, "limit": limit}
    async with db.reading() as connection:
        return [PendingTotal(**row) for row in await all_rows(connection, _PENDING_TOTALS, values)]
