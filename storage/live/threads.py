"""Find the thread that a message lies in, where an event names no more than its channel."""

from collections.abc import Sequence

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.changes import MessageChange
from storage.sql import Id, UtcDateTime, dump_json, json_objects, utc_text
from storage.tables import channels, messages

_ref = json_objects("refs", tenant_id=Id(), channel_platform_id=Id(), message_platform_id=Id(), sent_at=UtcDateTime())
_thread = channels.alias("thread")
# By the time, of which there is an index: among the messages of one instant rather than among all threads.
_is_message = and_(
    messages.c.tenant_id == _ref.c.tenant_id,
    messages.c.sent_at == _ref.c.sent_at,
    messages.c.platform_id == _ref.c.message_platform_id,
)
_STORED = (
    select(_ref.c.tenant_id, _ref.c.channel_platform_id, _ref.c.message_platform_id, _thread.c.platform_id)
    .select_from(
        _ref.join(messages, _is_message)
        .join(_thread, and_(_thread.c.id == messages.c.channel_id, _thread.c.type == "thread"))
        .join(channels, channels.c.id == _thread.c.parent_id)
    )
    .where(channels.c.platform_id == _ref.c.channel_platform_id)
)
_PARENTS = (
    select(_ref.c.tenant_id, channels.c.platform_id, _ref.c.message_platform_id, _thread.c.platform_id)
    .select_from(
        _ref.join(
            _thread, and_(_thread.c.tenant_id == _ref.c.tenant_id, _thread.c.platform_id == _ref.c.channel_platform_id)
        ).join(channels, channels.c.id == _thread.c.parent_id)
    )
    .where(_thread.c.type == "thread")
)


async def place_in_threads(connection: AsyncConnection, changes: Sequence[MessageChange]) -> list[MessageChange]:
    """Give changes that name a channel alone the thread that holds their message; of each message one is returned.

    One look-up for all of them: those whose message is stored in a thread of their channel, or is new in one among
    these changes. What is in none lies in the channel itself, or is not known.
    """
    unplaced = [change for change in changes if change.sent_at is not None]
    if not unplaced:
        return list(changes)
    new = [change for change in changes if change.created is not None]
    found = [*await connection.execute(_STORED, {"refs": _refs(unplaced)})]
    if new:
        found += await connection.execute(_PARENTS, {"refs": _refs(new)})
    threads = {(tenant, channel, message): thread for tenant, channel, message, thread in found}
    known: dict[tuple[str, str, str], MessageChange] = {}
    for change in sorted(changes, key=lambda change: change.sent_at is not None):
        key = change.tenant_id, change.channel_platform_id, change.message_platform_id
        if change.sent_at is not None and key in threads:
            key = change.tenant_id, threads[key], change.message_platform_id
            if key not in known:  # else it is taken in below, and stays as it is: the batch may be tried again
                change.channel_platform_id, change.sent_at = key[1], None
        if key in known:
            known[key].absorb(change)
        else:
            known[key] = change
    return list(known.values())


def _refs(changes: Sequence[MessageChange]) -> str:
    return dump_json(
        [
            {
                "tenant_id": change.tenant_id,
                "channel_platform_id": change.channel_platform_id,
                "message_platform_id": change.message_platform_id,
                "sent_at": utc_text(change.sent_at) if change.sent_at else None,
            }
            for change in changes
        ]
    )
