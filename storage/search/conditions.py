"""From filters to conditions on a message. None of them is ever null, so that each can be turned round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true

from storage.search.limits import LimitedReader
from storage.search.model import Field, Filter, Has, SearchQuery, TimeSpan
from storage.search.names import author_hash, channel_ids, find_message
from storage.sql import PositionOf
from storage.tables import attachments, channels, messages, reaction_totals

_NEARNESS = timedelta(days=1)
_MOST_NAMED = 2_000
"""Channels and threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What has to apply to a message beside its words."""

    tenant_id: str
    span: TimeSpan
    narrow: tuple[ColumnElement[bool], ...] = ()  # those that an index answers: by an author, in a channel
    others: tuple[ColumnElement[bool], ...] = ()

    def all(self) -> ColumnElement[bool]:
        """Build the condition of them all but the tenant."""
        return and_(true(), *_within(self.span), *self.narrow, *self.others)


async def conditions_of(reader: LimitedReader, tenant_id: str, query: SearchQuery) -> Conditions:
    """Look up what a query's filters name, and build their conditions.

    Raises:
        UnclearFilter: a value means nothing here, or several things.
    """
    found = Conditions(tenant_id=tenant_id, span=TimeSpan())
    filters = query.filters
    if not any(given.field is Field.DELETED for given in filters):
        filters = (*filters, Filter(field=Field.DELETED, value=False))
    for given in filters:
        found = await _added(reader, found, given)
    return found


async def _added(reader: LimitedReader, found: Conditions, given: Filter) -> Conditions:
    if given.field in (Field.CHANNEL, Field.THREAD):
        ids = await channel_ids(reader, found.tenant_id, given)
        return _with_narrow(found, await _in_channels(reader, ids), given)
    if given.field is Field.AUTHOR:
        return _with_narrow(found, messages.c.author_hash == await author_hash(reader, found.tenant_id, given), given)
    if given.field is Field.MENTIONS:
        return _with_other(found, _mentions(await author_hash(reader, found.tenant_id, given)), given)
    if given.field is Field.NEAR:
        row = await find_message(reader, found.tenant_id, given)
        around, is_there = _around(row["sent_at"]), messages.c.channel_id == row["channel_id"]
        if given.is_excluded:
            return _with_other(found, and_(is_there, *_within(around)), given)
        return _with_narrow(replace(found, span=_both(found.span, around)), is_there, given)
    if isinstance(given.value, TimeSpan) and not given.is_excluded:
        return replace(found, span=_both(found.span, given.value))
    if isinstance(given.value, TimeSpan):
        return _with_other(found, and_(true(), *_within(given.value)), given)
    return _with_other(found, _BY_FIELD[given.field](given.value), given)


def _with_narrow(found: Conditions, condition: ColumnElement[bool], given: Filter) -> Conditions:
    if given.is_excluded:
        return _with_other(found, condition, given)
    return replace(found, narrow=(*found.narrow, condition))


def _with_other(found: Conditions, condition: ColumnElement[bool], given: Filter) -> Conditions:
    never_null = func.coalesce(condition, false())
    return replace(found, others=(*found.others, not_(never_null) if given.is_excluded else never_null))


def _within(span: TimeSpan) -> list[ColumnElement[bool]]:
    since = [messages.c.sent_at >= span.since] if span.since else []
    return since + ([messages.c.sent_at < span.until] if span.until else [])


def _both(one: TimeSpan, other: TimeSpan) -> TimeSpan:
    since = [each for each in (one.since, other.since) if each]
    until = [each for each in (one.until, other.until) if each]
    return TimeSpan(since=max(since, default=None), until=min(until, default=None))


def _around(moment: datetime) -> TimeSpan:
    try:
        return TimeSpan(since=moment - _NEARNESS, until=moment + _NEARNESS)
    except OverflowError:
        return TimeSpan(since=moment, until=None)


async def _in_channels(reader: LimitedReader, ids: list[int]) -> ColumnElement[bool]:
    """Include what is below: threads of a channel, channels of a category and their threads.

    They are named one by one, or PostgreSQL would not know how few they are, and read all messages.
    """
    below = select(channels.c.id).where(or_(channels.c.id.in_(ids), channels.c.parent_id.in_(ids)))
    twice_below = select(channels.c.id).where(channels.c.parent_id.in_(below.correlate(None)))
    everything = below.union(twice_below)
    rows = await reader.rows(everything.limit(_MOST_NAMED + 1))
    if len(rows) > _MOST_NAMED:
        return messages.c.channel_id.in_(everything)
    return messages.c.channel_id.in_([row["id"] for row in rows])


def _mentions(who: str) -> ColumnElement[bool]:
    return PositionOf(messages.c.metadata["mentions"].as_string(), who) > 0


def _tells(key: str) -> ColumnElement[bool]:
    """Whether the metadata has a key; it is there only where it says something."""
    return _is_set(messages.c.metadata[key].as_string(), True)


def _is_set(column: ColumnElement[Any], value: bool) -> ColumnElement[bool]:
    return column.is_not(None) if value else column.is_(None)


def _holds(what: str) -> ColumnElement[bool]:
    return PositionOf(messages.c.content, what) > 0


_of_file = and_(
    attachments.c.channel_id == messages.c.channel_id, attachments.c.message_platform_id == messages.c.platform_id
)
_of_total = and_(
    reaction_totals.c.channel_id == messages.c.channel_id,
    reaction_totals.c.message_platform_id == messages.c.platform_id,
    reaction_totals.c["count"] > 0,
)
_HAS: Mapping[Has, ColumnElement[bool]] = {
    Has.FILE: select(attachments.c.platform_id).where(_of_file).exists(),
    Has.IMAGE: select(attachments.c.platform_id)
    .where(_of_file, PositionOf(attachments.c.content_type, "image/") == 1)
    .exists(),
    Has.LINK: or_(_holds("http://"), _holds("https://")),
    Has.REACTION: select(reaction_totals.c.emoji_key).where(_of_total).exists(),
    Has.REPLY: messages.c.reply_to_message_platform_id.is_not(None),
    Has.POLL: _tells("poll"),
    Has.EMBED: _tells("embeds"),
    Has.STICKER: _tells("stickers"),
}


def _reaction(emoji: str) -> ColumnElement[bool]:
    name = emoji.strip(":")
    is_it = [
        reaction_totals.c.emoji_key == emoji,
        reaction_totals.c.emoji == emoji,
        *(PositionOf(reaction_totals.c.emoji, f"<{kind}:{name}:") == 1 for kind in ("", "a")),
    ]
    return select(reaction_totals.c.emoji_key).where(_of_total, or_(*is_it)).exists()


_BY_FIELD: Mapping[Field, Callable[[Any], ColumnElement[bool]]] = {
    Field.HAS: lambda value: _HAS[value],
    Field.TYPE: lambda value: messages.c.type == value,
    Field.DELETED: lambda value: true() if value == "any" else _is_set(messages.c.deleted_at, value),
    Field.EDITED: lambda value: _is_set(messages.c.edited_at, value),
    Field.PINNED: lambda value: _is_set(messages.c.metadata["pinned"].as_string(), value),
    Field.REACTION: _reaction,
}
