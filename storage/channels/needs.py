"""Select, in SQL, the channels and threads that a sync has to process.

Of a hundred thousand threads a sync usually has to process ten, so the others are never loaded as objects.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select

from storage.channels.queries import ALL_STATES, ChannelState, state_of
from storage.channels.skip import HAS_UNKNOWN_PARENT
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import AFTER_ID, AT_ONCE, TENANT_ID, all_rows, dump_json, json_strings
from storage.tables import channels, sync_progress

_head, _checkpoint = channels.c.head_platform_id, func.coalesce(sync_progress.c.last_message_platform_id, "")
# Numbers with equally many digits sort like their texts.
_is_behind = or_(
    func.length(_head) < func.length(_checkpoint),
    and_(func.length(_head) == func.length(_checkpoint), _head < _checkpoint),
)
HAS_NEWS = and_(
    channels.c.skip_reason.is_(None),
    channels.c.type.in_(["text", "thread"]),
    or_(
        not_(func.coalesce(sync_progress.c.is_read_to_end, False)),
        and_(
            _head.is_not(None),
            _head != _checkpoint,
            or_(
                _head.is_distinct_from(sync_progress.c.deleted_head_platform_id),
                and_(_is_behind, channels.c.type == "text"),
            ),
        ),
    ),
)
"""``ChannelState.has_news`` as an SQL condition."""

_HAS_FAILED = and_(channels.c.skip_reason.is_(None), sync_progress.c.last_error.is_not(None))


def _among(parameter: str) -> ColumnElement[bool]:
    return channels.c.platform_id.in_(select(json_strings(parameter)))


def _of_tenant(*conditions: ColumnElement[bool]) -> Select[Any]:
    return ALL_STATES.where(channels.c.tenant_id == TENANT_ID, channels.c.id > AFTER_ID, *conditions).limit(AT_ONCE)


_TO_BE_READ = _of_tenant(or_(HAS_NEWS, _HAS_FAILED))
# By the platform's ids first: in the order of ours a database would look at all channels of the tenant.
_NAMED = _of_tenant(channels.c.id.in_(select(channels.c.id).where(channels.c.tenant_id == TENANT_ID, _among("named"))))
_IS_UNLISTED = and_(
    channels.c.is_listed,
    not_(_among("listed")),
    or_(channels.c.type != "thread", channels.c.archived_at.is_(None), _among("missed")),
)
_TO_BE_FOUND = _of_tenant(
    or_(
        and_(
            channels.c.skip_reason.is_(None),
            or_(channels.c.looked_up_at.is_not(None), channels.c.unlisted_since.is_not(None), _IS_UNLISTED),
        ),
        and_(HAS_UNKNOWN_PARENT, not_(_among("listed"))),
    ),
)
_CHANNELS_TO_BE_FOUND = _of_tenant(
    channels.c.skip_reason.is_(None), channels.c.type != "thread", not_(_among("listed"))
)


async def channels_to_be_read(db: Database, tenant_id: str, *, after: int = 0) -> AsyncIterator[list[ChannelState]]:
    """Yield the channels and threads of a tenant that may have new messages, and those whose last sync failed.

    In the order in which they were first seen, behind ``after`` (``channels.id``).
    """
    async for some in _pages(db, _TO_BE_READ, {"tenant": tenant_id}, after):
        yield some


@finish_before_cancel
async def named_channels(db: Database, tenant_id: str, platform_ids: Collection[str]) -> list[ChannelState]:
    """List the tenant's channels and threads with these platform ids."""
    return await _all(db, _NAMED, {"tenant": tenant_id, "named": dump_json(list(platform_ids))})


@finish_before_cancel
async def channels_to_be_found(
    db: Database, tenant_id: str, *, listed: Collection[str], missed: Collection[str], with_threads: bool = True
) -> list[ChannelState]:
    """List the channels and open threads of a tenant that are not skipped and that no listing contains.

    Args:
        db: the archive.
        tenant_id: ours.
        listed: the platform ids of all channels and threads in the listings.
        missed: platform ids of archived threads that are missing from the page that should have held them.
        with_threads: False where no thread was listed.

    Returns:
        Those, all threads with a recorded lookup or that wait for one, and unlisted threads whose parent is unknown.
    """
    values = {"tenant": tenant_id, "listed": dump_json(list(listed)), "missed": dump_json(list(missed))}
    return await _all(db, _TO_BE_FOUND if with_threads else _CHANNELS_TO_BE_FOUND, values)


async def _all(db: Database, query: Select[Any], values: Mapping[str, object]) -> list[ChannelState]:
    return [state async for some in _pages(db, query, values) for state in some]


async def _pages(
    db: Database, query: Select[Any], values: Mapping[str, object], after: int = 0
) -> AsyncIterator[list[ChannelState]]:
    is_last = False
    while not is_last:
        some = await _page(db, query, {**values, "after": after})
        is_last = len(some) < AT_ONCE
        if some:
            after = some[-1].id
            yield some


@finish_before_cancel
async def _page(db: Database, query: Select[Any], values: Mapping[str, object]) -> list[ChannelState]:
    async with db.reading() as connection:
        return [state_of(row) for row in await all_rows(connection, query, values)]
