"""Which ranges may have changed unseen, in a gap or while a channel was out of sight.

A message can be changed for as long as it exists, but nearly all that are, are young. So those are read again that
were sent from some time before the gap on, also beyond a checkpoint, where they are stored early; what is older is left
to the next audit.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, and_, bindparam, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelType
from storage.messages import Newest, later
from storage.repair.newest import checkpoint_of, newest_early, newest_since
from storage.repair.windows import LATELY, Window, add_windows
from storage.sql import (
    AT_ONCE,
    CHANNEL_ID,
    NOW,
    TENANT_ID,
    RowId,
    UtcDateTime,
    all_rows,
    dump_json,
    json_objects,
    rows_in_slices,
)
from storage.tables import channels, sync_gaps, sync_progress

_CLOCKS_APART = timedelta(hours=2)
_SINCE = bindparam("since", type_=UtcDateTime)

IS_UNPLANNED = and_(
    sync_gaps.c.tenant_id == TENANT_ID, sync_gaps.c.ended_at.is_not(None), sync_gaps.c.planned_at.is_(None)
)
"""Whether a gap is over and its repairs are to be planned."""
IS_BACK = and_(
    channels.c.tenant_id == TENANT_ID, channels.c.unmonitored_since.is_not(None), channels.c.skip_reason.is_(None)
)
"""Whether a channel is in sight again and its repairs are to be planned."""

_TAKE_GAPS = (
    update(sync_gaps).where(IS_UNPLANNED).values(planned_at=NOW, updated_at=NOW).returning(sync_gaps.c.began_at)
)
_BACK = select(channels.c.id).where(IS_BACK)
_some = json_objects("some", id=RowId)
_IS_AMONG_SOME = select(_some.c.id)
_ARCHIVED = (
    select(
        channels.c.id,
        channels.c.type,
        channels.c.archived_at,
        channels.c.unmonitored_since,
        sync_progress.c.last_message_platform_id,
        sync_progress.c.last_message_at,
    )
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.id.in_(_IS_AMONG_SOME), channels.c.skip_reason.is_(None))
    .order_by(channels.c.id)
)
_CLEAR_UNMONITORED = (
    update(channels)
    .where(channels.c.id == CHANNEL_ID, channels.c.skip_reason.is_(None))
    .values(unmonitored_since=null(), updated_at=NOW)
)
# A channel that was hidden before a gap could be repaired in it takes the gap along.
_HIDE_GAP = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_not(None))
    .where(channels.c.unmonitored_since > _SINCE)
    .values(unmonitored_since=_SINCE, updated_at=NOW)
)


async def plan_gaps(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    lookback: timedelta,
    cursor_at: Callable[[datetime], str],
    page_size: int,
    now: datetime,
) -> int:
    """Plan the ranges of gaps and of channels that are back. Returns how many are new or changed."""
    values = {"tenant": tenant_id, "now": now}
    gap_began_at = min((await connection.execute(_TAKE_GAPS, values)).scalars(), default=None)
    active: dict[int, Newest] = {}
    if gap_began_at is not None:
        active = await newest_since(connection, tenant_id, gap_began_at - lookback)
        await connection.execute(_HIDE_GAP, values | {"since": gap_began_at})
    back = await _ids(connection, _BACK, values)
    newest, affected = active | await newest_early(connection, back), sorted(active.keys() | back)
    planned = 0
    for at in range(0, len(affected), AT_ONCE):
        some = dump_json([{"id": channel_id} for channel_id in affected[at : at + AT_ONCE]])
        archived = await all_rows(connection, _ARCHIVED, {"some": some})
        new = list[Window]()
        for channel in archived:
            last = later(checkpoint_of(channel), newest.get(channel["id"]))
            began_at = last and _began_at(channel, gap_began_at if channel["id"] in active else None, last[1], lookback)
            if last and began_at:
                after, lately = (cursor_at(began_at - time) for time in (lookback, min(LATELY, lookback)))
                new.append(Window(channel_id=channel["id"], after=after, lately=lately, until=last[0]))
        await _clear_unmonitored(connection, archived, now)
        windows = [window for window in new if not window.is_empty]
        planned += await add_windows(connection, windows, page_size=page_size, now=now)
    return planned


async def _ids(connection: AsyncConnection, query: Select[Any], values: Mapping[str, object]) -> set[int]:
    return {row["id"] async for rows in rows_in_slices(connection, query, values) for row in rows}


def _began_at(
    channel: RowMapping, gap_began_at: datetime | None, sent_at: datetime, lookback: timedelta
) -> datetime | None:
    """Find since when changes in a channel may have been missed; None where none can be worth reading again."""
    times = [] if gap_began_at is None else [gap_began_at]
    unmonitored_since = channel["unmonitored_since"]
    if unmonitored_since is not None and sent_at >= unmonitored_since - lookback:
        times.append(unmonitored_since)
    began_at = min(times, default=None)
    return None if began_at is None or _was_frozen(channel, began_at) else began_at


def _was_frozen(channel: RowMapping, since: datetime) -> bool:
    """Find out whether it is a thread that was archived before a time: nothing in it can be edited or reacted to.

    Archived well before it: the one time is the platform's, the other this machine's, whose clock may be wrong.
    """
    archived_at: datetime | None = channel["archived_at"]
    return channel["type"] == ChannelType.THREAD and archived_at is not None and archived_at < since - _CLOCKS_APART


async def _clear_unmonitored(connection: AsyncConnection, archived: Iterable[RowMapping], now: datetime) -> None:
    back = [{"channel": row["id"], "now": now} for row in archived if row["unmonitored_since"] is not None]
    if back:
        await connection.execute(_CLEAR_UNMONITORED, back)
