"""Figures of a tenant's activity in a time: by day and hour, by channel, the reactions given, how many people wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, and_, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import LIMIT, TENANT_ID, DayOf, HourOf, UtcDateTime, all_rows
from storage.tables import channels, messages, reaction_totals

R = TypeVar("R", "AuthorActivity", "ChannelActivity", "ReactionUse")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayActivity:
    """A day (UTC) with messages."""

    day: str  # 2026-11-26
    messages: int
    authors: int  # people, bots and webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelActivity:
    """A channel with messages; those of its threads count as its own."""

    channel_platform_id: str
    name: str | None
    messages: int
    authors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionUse:
    """How often an emoji was given."""

    emoji_key: str
    emoji: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorActivity:
    """Who wrote messages."""

    author_hash: str
    author_kind: str  # of one of them: user, bot or webhook
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What was written in a time; deleted messages do not count, times are UTC."""

    messages: int
    authors: int
    days: tuple[DayActivity, ...]  # those with messages, the oldest first
    hours: tuple[int, ...]  # messages by the hour of the day, 24 of them
    channels: tuple[ChannelActivity, ...]  # the most active first
    reactions: tuple[ReactionUse, ...]  # to messages of that time, the most used first


_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
_counts: tuple[ColumnElement[Any], ...] = (
    func.count().label("messages"),
    func.count(messages.c.author_hash.distinct()).label("authors"),
)
_is_counted = and_(
    messages.c.tenant_id == TENANT_ID,
    messages.c.sent_at >= _SINCE,
    messages.c.sent_at < _UNTIL,
    messages.c.deleted_at.is_(None),
)
_TOTALS = select(*_counts).where(_is_counted)
_day, _hour = DayOf(messages.c.sent_at).label("day"), HourOf(messages.c.sent_at).label("hour")
_DAYS = select(_day, *_counts).where(_is_counted).group_by(_day).order_by(_day)
_HOURS = select(_hour, func.count().label("messages")).where(_is_counted).group_by(_hour)

_parent = channels.alias("parent")
_is_thread = channels.c.type == "thread"
_place = {
    "place_id": case((_is_thread, func.coalesce(_parent.c.id, channels.c.id)), else_=channels.c.id),
    "channel_platform_id": case(
        (_is_thread, func.coalesce(_parent.c.platform_id, channels.c.platform_id)), else_=channels.c.platform_id
    ),
    "name": case((_is_thread, func.coalesce(_parent.c.name, channels.c.name)), else_=channels.c.name),
}
_CHANNELS = (
    select(*(value.label(name) for name, value in _place.items() if name != "place_id"), *_counts)
    .select_from(
        messages.join(channels, channels.c.id == messages.c.channel_id).outerjoin(
            _parent, _parent.c.id == channels.c.parent_id
        )
    )
    .where(_is_counted)
    .group_by(*_place.values())
    .order_by(func.count().desc(), _place["place_id"])
    .limit(LIMIT)
)
_AUTHORS = (
    select(messages.c.author_hash, func.min(messages.c.author_kind).label("author_kind"), _counts[0])
    .where(_is_counted, messages.c.author_hash.is_not(None))
    .group_by(messages.c.author_hash)
    .order_by(func.count().desc(), messages.c.author_hash)
    .limit(LIMIT)
)
_given = func.sum(reaction_totals.c["count"])
_REACTIONS = (
    select(reaction_totals.c.emoji_key, func.max(reaction_totals.c.emoji).label("emoji"), _given.label("count"))
    .join_from(
        messages,
        reaction_totals,
        and_(
            reaction_totals.c.channel_id == messages.c.channel_id,
            reaction_totals.c.message_platform_id == messages.c.platform_id,
        ),
    )
    .where(_is_counted)
    .group_by(reaction_totals.c.emoji_key)
    .having(_given > 0)
    .order_by(_given.desc(), reaction_totals.c.emoji_key)
    .limit(LIMIT)
)


@finish_before_cancel
async def statistics(
    db: Database, tenant_id: str, *, since: datetime, until: datetime, most: int = 20, seconds: float = 3.0
) -> Statistics:
    """Count what was written in a tenant from ``since`` until before ``until``.

    Args:
        db: the archive.
        tenant_id: ours.
        since: inclusive.
        until: exclusive.
        most: how many channels and emoji are listed at most.
        seconds: how long each of the queries may take.

    Raises:
        QueryTooLong: there is too much; a shorter time can be counted.
    """
    values = {"tenant": tenant_id, "since": since, "until": until}
    async with db.asking(seconds) as connection:
        (totals,) = await all_rows(connection, _TOTALS, values)
        days = await _listed(connection, _DAYS, values, DayActivity)
        hours = {row["hour"]: row["messages"] for row in await all_rows(connection, _HOURS, values)}
        places = await _listed(connection, _CHANNELS, values | {"limit": most}, ChannelActivity)
        given = await _listed(connection, _REACTIONS, values | {"limit": most}, ReactionUse)
    by_hour = tuple(hours.get(hour, 0) for hour in range(24))
    return Statistics(**dict(totals), days=days, hours=by_hour, channels=places, reactions=given)


@finish_before_cancel
async def days_of_activity(db: Database, tenant_id: str, *, since: datetime, until: datetime) -> Sequence[DayActivity]:
    """Count messages and authors by the day; times and errors as of ``statistics``."""
    async with db.asking() as connection:
        return await _listed(connection, _DAYS, {"tenant": tenant_id, "since": since, "until": until}, DayActivity)


@finish_before_cancel
async def hours_of_activity(db: Database, tenant_id: str, *, since: datetime, until: datetime) -> Mapping[int, int]:
    """Count messages by the hour of the day (UTC); times and errors as of ``statistics``."""
    async with db.asking() as connection:
        rows = await all_rows(connection, _HOURS, {"tenant": tenant_id, "since": since, "until": until})
    return {row["hour"]: row["messages"] for row in rows}


_RANKED: Mapping[type[Any], Select[Any]] = {
    AuthorActivity: _AUTHORS,
    ChannelActivity: _CHANNELS,
    ReactionUse: _REACTIONS,
}


@finish_before_cancel
async def most_active(
    db: Database, tenant_id: str, record: type[R], *, since: datetime, until: datetime, most: int
) -> Sequence[R]:
    """List the most active authors or channels, or the most used reactions; times and errors as of ``statistics``."""
    values = {"tenant": tenant_id, "since": since, "until": until, "limit": most}
    async with db.asking() as connection:
        return await _listed(connection, _RANKED[record], values, record)


async def _listed(
    connection: AsyncConnection, query: Select[Any], values: Mapping[str, object], record: type[Any]
) -> tuple[Any, ...]:
    return tuple(record(**_plain(row)) for row in await all_rows(connection, query, values))


def _plain(row: RowMapping) -> dict[str, Any]:
    """Make an integer of PostgreSQL's sum, which is a decimal."""
    return {str(name): int(value) if name == "count" else value for name, value in row.items()}
