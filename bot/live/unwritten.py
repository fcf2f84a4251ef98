"""Note durably the events that could not be written; their messages are read by the tenant's next sync.

What the database refuses is not tried again from memory: later events of the message would be overtaken by it. A batch
that meets a database which takes nothing is no such case. It is kept, and tried again until it is written.
"""

import logging
from collections.abc import Iterator
from datetime import datetime

from bot.live.bisect import is_refused
from bot.live.buffer import Key, LiveBatch
from storage.database import Database
from storage.unwritten import OVERFLOWED, EventKind, UnwrittenEvent, note_unwritten

log = logging.getLogger(__name__)


async def note_unwritten_events(db: Database, batch: LiveBatch, now: datetime) -> None:
    """Note the events of a batch that could not be written.

    Where even their messages cannot be named, their tenants are added to those that are audited.

    Raises:
        StorageError: the database takes nothing at present; the batch stays as it is.
    """
    events = [*batch.refused, *_overflowed(batch)]
    if not events:
        return
    log.warning("messages will be read again", extra={"messages": len({event.ref for event in events})})
    try:
        await note_unwritten(db, events, now)
    except Exception as e:
        if not is_refused(e):
            raise
        log.exception("messages cannot be named to be read again: their tenants are audited")
        batch.lost_tenants |= {event.tenant_id for event in events}
    for event in events if log.isEnabledFor(logging.DEBUG) else ():
        _, channel, message = event.ref
        facts = {"channel": channel, "message_id": message, "kind": event.kind, "code": event.reason.code}
        log.debug("live event not written: its message will be read", extra=facts)


def _overflowed(batch: LiveBatch) -> Iterator[UnwrittenEvent]:
    """Yield the events of which the buffer kept nothing but their messages."""
    return (_unknown(key) for key in sorted(batch.lost))


def _unknown(key: Key) -> UnwrittenEvent:
    tenant_id, channel, message = key
    return UnwrittenEvent(
        tenant_id=tenant_id,
        channel_platform_id=channel,
        message_platform_id=message,
        kind=EventKind.UNKNOWN,
        reason=OVERFLOWED,
    )
