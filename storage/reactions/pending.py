"""Which reactions' users are still to be fetched.

A total is pending while it is another than the one its users were last fetched at. Its two kinds, normal and burst,
are fetched by requests of their own, one after the other, and so each has a marker of its own in the row:

- burst: ``fetched_burst_count``;
- normal: ``fetched_count`` less ``fetched_burst_count`` (less nothing, where that one is null).

Null says that the kind was never fetched. So ``fetched_count`` equals ``count`` and ``fetched_burst_count`` equals
``burst_count`` exactly where both kinds are as told.

A total is stale when an event said that it has changed and its users were not there to count along. Nothing says how
many there are then: both kinds are pending and are asked for to their end. A marker of a stale total says that this
kind has been fetched since the last such event.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, Integer, RowMapping, and_, bindparam, case, func, literal_column, select, tuple_

from adapters.records import ChannelType
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import Id, RowId, all_rows, fields_of
from storage.tables import IS_PENDING, channels, messages, reaction_totals

NO_TOTAL = 10**9
"""What a kind of a stale total has: more than there can be, so that it is asked for to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTotal:
    """How often one emoji was given to one message, where users behind it are to be fetched."""

    channel_id: int  # channels.id
    message_platform_id: str
    emoji_key: str
    emoji: str
    count: int  # normal and burst
    burst_count: int
    fetched_count: int | None
    fetched_burst_count: int | None
    is_stale: bool  # it is not known how many there are
    created_at: datetime  # one that was made later is another total, whose users are others
    updated_at: datetime  # what has changed a stale total since then is not settled by who is found now

    @property
    def normal(self) -> int:
        """How many normal ones there are."""
        return self.count - self.burst_count

    @property
    def normal_is_pending(self) -> bool:
        """Whether the normal ones were never fetched, or at another total."""
        return (
            self.is_stale
            or self.fetched_count is None
            or self.fetched_count - (self.fetched_burst_count or 0) != self.normal
        )

    @property
    def burst_is_pending(self) -> bool:
        """Whether the burst ones were never fetched, or at another total."""
        return self.is_stale or self.fetched_burst_count != self.burst_count

    def total_of(self, *, burst: bool) -> int:
        """How many users a kind has; of a kind with none there is nothing to ask. ``NO_TOTAL`` of a stale one."""
        return NO_TOTAL if self.is_stale else max(self.burst_count if burst else self.normal, 0)

    @property
    def kinds_to_save(self) -> tuple[bool, ...]:
        """For which kinds (``burst``) ``save_users`` is to be called, so that nothing is pending any more.

        Those that have users; where neither has, one of the two, with nobody and without a request.
        """
        pending = [burst for burst in (False, True) if (self.burst_is_pending if burst else self.normal_is_pending)]
        return tuple(burst for burst in pending if self.total_of(burst=burst)) or tuple(pending[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChannel:
    """A channel with reactions whose users are to be fetched."""

    id: int
    platform_id: str
    parent_platform_id: str | None
    type: ChannelType
    lists: int  # of users: one for each kind of each emoji of each message
    requests: int  # that they take, as far as their totals tell


_total = reaction_totals.c
_normal = _total["count"] - _total.burst_count
_fetched_normal = _total.fetched_count - func.coalesce(_total.fetched_burst_count, literal_column("0", Integer))


def _wanted(count: ColumnElement[int], fetched: ColumnElement[int]) -> ColumnElement[int]:
    """How many users of a kind are to be fetched; of a stale total that is a guess, and at least one list."""
    at_least_one = case((count > 0, count), else_=1)
    return case((_total.is_stale, at_least_one), (fetched.is_distinct_from(count), count), else_=0)


_wanted_normal = _wanted(_normal, _fetched_normal)
_wanted_burst = _wanted(_total.burst_count, _total.fetched_burst_count)


def _lists(wanted: ColumnElement[int]) -> ColumnElement[int]:
    return case((wanted > 0, 1), else_=0)


def _requests(wanted: ColumnElement[int]) -> ColumnElement[int]:
    size = bindparam("users_per_request", type_=Integer)
    return (wanted + (size - 1)) // size


COUNT_LISTS = func.coalesce(func.sum(_lists(_wanted_normal) + _lists(_wanted_burst)), 0)
"""Over pending totals: how many user lists are to be fetched."""

# Asked of each pending total by itself: a join lets a database begin with all the messages there are.
_deleted_at = (
    select(messages.c.deleted_at)
    .where(messages.c.channel_id == _total.channel_id, messages.c.platform_id == _total.message_platform_id)
    .correlate(reaction_totals)
    .scalar_subquery()
)
IS_TO_BE_FETCHED = and_(IS_PENDING, _deleted_at.is_(None))
"""Whether a total is pending and can be asked for: of a deleted message nobody can be asked any more."""

_parent = channels.alias("parent")
_archived = select(channels.c.id).where(channels.c.tenant_id == bindparam("tenant"), channels.c.skip_reason.is_(None))
_sums = (
    select(
        _total.channel_id,
        COUNT_LISTS.label("lists"),
        func.sum(_requests(_wanted_normal) + _requests(_wanted_burst)).label("requests"),
    )
    .where(_total.channel_id.in_(_archived), IS_TO_BE_FETCHED)
    .group_by(_total.channel_id)
    .subquery("sums")
)
_PENDING_CHANNELS = (
    select(
        channels.c.id,
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.type,
        _sums.c.lists,
        _sums.c.requests,
    )
    .select_from(
        _sums.join(channels, channels.c.id == _sums.c.channel_id).outerjoin(
            _parent, _parent.c.id == channels.c.parent_id
        )
    )
    .order_by(channels.c.id)
)


@finish_before_cancel
async def pending_channels(db: Database, tenant_id: str, *, users_per_request: int) -> list[PendingChannel]:
    """The archived channels of a tenant in which something is pending, in the order in which they were first seen.

    One with no list to fetch has kinds that nobody is left of, to be saved without a request.
    """
    params = {"tenant": tenant_id, "users_per_request": users_per_request}
    async with db.reading() as connection:
        rows = await all_rows(connection, _PENDING_CHANNELS, params)
    return [_channel(row) for row in rows]


def _channel(row: RowMapping) -> PendingChannel:
    values = fields_of(row, PendingChannel)
    numbers = {"lists": int(values["lists"]), "requests": int(values["requests"])}
    return PendingChannel(**values | numbers | {"type": ChannelType(values["type"])})


async def pending_lists(db: Database, tenant_id: str) -> int:
    """How many user lists of a tenant are still to be fetched."""
    channels_pending = await pending_channels(db, tenant_id, users_per_request=1)  # only the lists are counted
    return sum(channel.lists for channel in channels_pending)


_KEY = (reaction_totals.c.message_platform_id, reaction_totals.c.emoji_key)
# Their keys first, which are all in the index: else SQLite would read all totals of the channel.
_page = (
    select(reaction_totals.c.channel_id, *_KEY)
    .where(reaction_totals.c.channel_id == bindparam("channel", type_=RowId), IS_TO_BE_FETCHED)
    .where(tuple_(*_KEY) > tuple_(bindparam("message", type_=Id), bindparam("emoji", type_=Id)))
    .order_by(*_KEY)
    .limit(bindparam("limit", type_=Integer))
    .subquery("page")
)
_whole = reaction_totals.alias("whole")
_PENDING_TOTALS = (
    select(*(_whole.c[field.name] for field in fields(PendingTotal)))
    .select_from(_page.join(_whole, and_(*(_whole.c[column.name] == column for column in _page.c))))
    .order_by(_page.c.message_platform_id, _page.c.emoji_key)
)


@finish_before_cancel
async def pending_totals(
    db: Database, channel_id: int, after: tuple[str, str] | None, limit: int
) -> list[PendingTotal]:
    """What is pending in a channel (``channels.id``), a page at a time.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        after: the message id and the emoji key of the last one of the page before; None for the first page. Their
            order is that of text.
        limit: how many at most.
    """
    message_id, emoji_key = after or ("", "")
    values = {"channel": channel_id, "message": message_id, "emoji": emoji_key, "limit": limit}
    async with db.reading() as connection:
        return [PendingTotal(**row) for row in await all_rows(connection, _PENDING_TOTALS, values)]
