"""Move the checkpoints of channels that are followed, with the messages that were received of them.

Only of channels that were read to their end: of any other, messages before the received ones may be missing.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import and_, case, false, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from storage.channels import is_beyond
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.live.changes import ChannelKey
from storage.live.messages import Archived, StoredChanges
from storage.messages import IN_RANGE, Newest, later, split_by_length
from storage.sql import (
    CHANNEL_PLATFORM_ID,
    NOW,
    TENANT_ID,
    Id,
    RowId,
    UtcDateTime,
    dump_json,
    json_objects,
    json_strings,
    utc_text,
)
from storage.tables import channels, messages, sync_progress

_moved = json_objects("moved", channel_id=RowId, platform_id=Id(), sent_at=UtcDateTime(), stored=Integer())
_is_ahead = is_beyond(_moved.c.platform_id, sync_progress.c.last_message_platform_id)
_head = select(channels.c.head_platform_id).where(channels.c.id == sync_progress.c.channel_id).scalar_subquery()
# The head of a thread is listed rarely. One up to what was received needs no request; a newer one was not received yet.
_is_head_received = and_(_is_ahead, not_(is_beyond(_head, _moved.c.platform_id)))
_MOVE = (
    update(sync_progress)
    .where(sync_progress.c.channel_id == _moved.c.channel_id, sync_progress.c.is_read_to_end)
    .values(
        last_message_platform_id=case(
            (_is_ahead, _moved.c.platform_id), else_=sync_progress.c.last_message_platform_id
        ),
        last_message_at=case((_is_ahead, _moved.c.sent_at), else_=sync_progress.c.last_message_at),
        messages_archived=sync_progress.c.messages_archived + _moved.c.stored,
        deleted_head_platform_id=case((_is_head_received, _head), else_=sync_progress.c.deleted_head_platform_id),
        updated_at=NOW,
    )
    .returning(sync_progress.c.channel_id)
)
_CHECKPOINT = (
    select(channels.c.id, sync_progress.c.last_message_platform_id)
    .join_from(channels, sync_progress, sync_progress.c.channel_id == channels.c.id)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
    .where(channels.c.skip_reason.is_(None), sync_progress.c.is_read_to_end)
    .with_for_update(of=sync_progress)
)
_REOPEN = (
    update(sync_progress)
    .where(sync_progress.c.is_read_to_end)
    .where(
        sync_progress.c.channel_id.in_(
            select(channels.c.id).where(
                channels.c.tenant_id == TENANT_ID, channels.c.platform_id.in_(select(json_strings("unread")))
            )
        )
    )
    .values(is_read_to_end=false(), updated_at=NOW)
)
_COUNT = select(func.count()).select_from(messages).where(IN_RANGE)

_IS_FOLLOWED = and_(
    func.coalesce(sync_progress.c.is_read_to_end, false()),
    channels.c.platform_id.not_in(select(json_strings("unread"))),
)
_COUNT_FOLLOWED = (
    select(func.count().filter(_IS_FOLLOWED), func.count())
    .select_from(channels.outerjoin(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None))
    .where(channels.c.type.in_(["text", "thread"]))
)


async def move_checkpoints(
    connection: AsyncConnection,
    archived: Archived,
    created: StoredChanges,
    followed: Collection[ChannelKey],
    now: datetime,
) -> set[ChannelKey]:
    """Move the checkpoints of followed channels to the newest message that was received of each.

    Args:
        connection: the transaction that stores the messages.
        archived: all changes of it.
        created: those whose messages it stores.
        followed: the channels.
        now: the time of the rows' change.

    Returns:
        The channels whose checkpoint moved: those that were read to their ends.
    """
    counts = Counter(channel_id for channel_id, _ in created)
    newest: dict[int, Newest] = {}
    for (channel_id, _), change in archived.changes.items():
        if change.newest and change.channel in followed:
            newest[channel_id] = later(newest.get(channel_id), change.newest)
    moved = await _move(connection, newest, counts, now)
    return {key for key, (channel_id, _) in archived.channels.items() if channel_id in moved}


@finish_before_cancel
async def catch_up(
    db: Database, tenant_id: str, newest: Mapping[str, Newest], unread: Collection[str], now: datetime
) -> None:
    """Move the checkpoints of channels over messages that were stored beyond them, and mark others to be read.

    Args:
        db: the archive.
        tenant_id: ours.
        newest: by the platform's channel id, the newest message received; every one before it is stored.
        unread: the platform's ids of channels of which messages were not stored.
        now: the time of the rows' change.
    """
    if not newest and not unread:
        return
    async with db.writing() as connection:
        if unread:
            await connection.execute(_REOPEN, {"tenant": tenant_id, "unread": dump_json(list(unread)), "now": now})
        for platform_id, message in newest.items():
            values = {"tenant": tenant_id, "channel_platform": platform_id}
            found = (await connection.execute(_CHECKPOINT, values)).one_or_none()
            if found is not None:
                channel_id, checkpoint = found
                stored = await _count(connection, channel_id, checkpoint, message[0])
                await _move(connection, {channel_id: message}, {channel_id: stored}, now)


async def _count(connection: AsyncConnection, channel_id: int, after: str | None, until: str) -> int:
    ranges = [{"channel": channel_id, **span.as_values()} for span in split_by_length(after, until)]
    return sum([(await connection.execute(_COUNT, values)).scalar_one() for values in ranges])


async def _move(
    connection: AsyncConnection, newest: Mapping[int, Newest], counts: Mapping[int, int], now: datetime
) -> set[int]:
    rows = [
        {
            "channel_id": channel_id,
            "platform_id": message_id,
            "sent_at": utc_text(sent_at),
            "stored": counts.get(channel_id, 0),
        }
        for channel_id, (message_id, sent_at) in newest.items()
    ]
    if not rows:
        return set()
    return set((await connection.execute(_MOVE, {"moved": dump_json(rows), "now": now})).scalars())


@finish_before_cancel
async def count_followed(db: Database, tenant_id: str, unread: Collection[str]) -> tuple[int, int]:
    """Count the channels and threads of a tenant that are followed, and all that are archived.

    Args:
        db: the archive.
        tenant_id: ours.
        unread: the platform's ids of those that are to be read first.
    """
    async with db.reading() as connection:
        row = (
            await connection.execute(_COUNT_FOLLOWED, {"tenant": tenant_id, "unread": dump_json(list(unread))})
        ).one()
    return row[0], row[1]
