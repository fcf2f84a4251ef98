"""Note durably the events that could not be written; their messages are read by the tenant's next sync.

What the database refuses is not tried again from memory: later events of the message would be overtaken by it. A batch
that meets a database which takes nothing is no such case. It is kept, and tried again until it is written.
"""

import logging
from datetime import datetime

from adapters.slices import in_slices
from bot.failures import Failures
from bot.live.bisect import is_refused
from bot.live.buffer import Key, LiveBatch
from storage.database import Database
from storage.repair import request_audit
from storage.unwritten import OVERFLOWED, EventKind, UnwrittenEvent, note_unwritten

log = logging.getLogger(__name__)


async def note_unwritten_events(db: Database, batch: LiveBatch, now: datetime) -> None:
    """Note the events of a batch that could not be written.

    Where even their messages cannot be named, their tenants are added to those that are audited.

    Raises:
        StorageError: the database takes nothing at present; the batch stays as it is.
    """
    events = [*batch.refused, *await in_slices(batch.lost, _unknown)]
    if not events:
        return
    messages = len(batch.lost) + len({event.ref for event in batch.refused})
    log.warning("messages will be read again", extra={"messages": messages})
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


async def request_audits(db: Database, tenant_ids: set[str], now: datetime) -> None:
    """Request the audits of tenants that lost more changes than can be kept by id, and remove these from the set.

    Raises:
        StorageError: the database refuses one, which stays in the set.
    """
    failures = Failures()
    for tenant_id in sorted(tenant_ids):
        with failures.apart(tenant_id):
            await request_audit(db, tenant_id, now)
            tenant_ids.discard(tenant_id)
    failures.raise_first()


def _unknown(key: Key) -> UnwrittenEvent:
    """Return the event of which the buffer kept nothing but its message."""
    tenant_id, channel, message = key
    return UnwrittenEvent(
        tenant_id=tenant_id,
        channel_platform_id=channel,
        message_platform_id=message,
        kind=EventKind.UNKNOWN,
        reason=OVERFLOWED,
    )
