"""Mark the messages of a range as deleted that a page of it leaves out, though the platform would show them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.messages import BEGINNING, IN_RANGE, IdRange
from storage.sql import NOW, UtcDateTime, dump_json, json_strings
from storage.tables import messages

_is_absent = and_(
    messages.c.deleted_at.is_(None),
    messages.c.platform_id.not_in(select(json_strings("kept"))),
    messages.c.sent_at >= bindparam("visible_since", type_=UtcDateTime),
)
_MARK = update(messages).where(IN_RANGE, _is_absent).values(deleted_at=NOW, updated_at=NOW)

# In the order in which everybody locks messages, so that nobody waits for one who waits for them.
_LOCK = (
    select(messages.c.platform_id)
    .where(IN_RANGE, or_(messages.c.platform_id.in_(select(json_strings("written"))), _is_absent))
    .order_by(func.length(messages.c.platform_id), messages.c.platform_id)
    .with_for_update(key_share=True)
)


async def lock_range(
    connection: AsyncConnection,
    channel_id: int,
    ranges: Sequence[IdRange],
    *,
    written: Sequence[str],
    kept: Sequence[str],
    visible_since: datetime | None,
) -> None:
    """Lock what will be changed. SQLite has one writer, and need not look."""
    if connection.dialect.name != "postgresql":
        return
    values = _values(channel_id, kept, visible_since) | {"written": dump_json(list(written))}
    for id_range in ranges:
        await connection.execute(_LOCK, values | id_range.as_values())


async def mark_absent(
    connection: AsyncConnection,
    channel_id: int,
    ranges: Sequence[IdRange],
    *,
    kept: Sequence[str],
    visible_since: datetime | None,
    now: datetime,
) -> int:
    """Mark messages as deleted; return how many.

    Args:
        connection: the transaction.
        channel_id: ``channels.id``.
        ranges: where the page is complete.
        kept: the platform's ids of those that it shows, or that are left alone.
        visible_since: from when on the platform shows messages; older ones stay as they are. None: it shows all.
        now: the ``deleted_at`` of those that have none yet.
    """
    values, count = _values(channel_id, kept, visible_since) | {"now": now}, 0
    for id_range in ranges:
        count += (await connection.execute(_MARK, values | id_range.as_values())).rowcount
    return count


def _values(channel_id: int, kept: Sequence[str], visible_since: datetime | None) -> dict[str, object]:
    return {"channel": channel_id, "kept": dump_json(list(kept)), "visible_since": visible_since or BEGINNING}
