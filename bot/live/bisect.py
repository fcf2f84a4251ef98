"""Isolate changes that the database refuses, so that the others are applied."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime

from bot.live.buffer import Key
from storage import live
from storage.database import Database
from storage.errors import StorageError, ValueRefused
from storage.live import ChannelKey, MessageChange
from storage.unwritten import UnwrittenEvent, reason_of

log = logging.getLogger(__name__)


def is_refused(error: Exception) -> bool:
    """Return whether a value may be the cause, rather than the state of the database.

    An unexpected error (one that is no ``StorageError``) may be either; trying halves repeats it.
    """
    return not isinstance(error, StorageError) or isinstance(error, ValueRefused) or error.code == StorageError.code


async def apply_bisecting(
    db: Database, changes: Sequence[MessageChange], now: datetime, owner: str, hidden: Collection[ChannelKey]
) -> list[UnwrittenEvent]:
    """Apply changes; where one cannot be stored, apply all others.

    Returns:
        The events that cannot be written.

    Raises:
        StorageError: the database takes no change.
    """
    refused: dict[Key, Exception] = {}
    if changes:
        await _bisect(db, changes, now, owner, hidden, refused)
    if refused:
        (channel, message), first = next(iter(refused))[1:], next(iter(refused.values()))
        facts = {"changes": len(refused), "channel": channel, "message_id": message}
        log.error("changes cannot be stored, such as this one's", extra=facts, exc_info=first)
    return [
        event
        for change in changes
        if (error := refused.get(_key(change)))
        for event in live.unwritten_events(change, reason_of(type(error).__name__))
    ]


async def _bisect(
    db: Database,
    changes: Sequence[MessageChange],
    now: datetime,
    owner: str,
    hidden: Collection[ChannelKey],
    refused: dict[Key, Exception],
) -> None:
    try:
        await live.apply_changes(db, changes, now, owner=owner, hidden=hidden)
    except Exception as e:
        if not is_refused(e):
            raise
        if len(changes) == 1:
            (change,) = changes
            refused[_key(change)] = e
            return
        middle = len(changes) // 2
        await _bisect(db, changes[:middle], now, owner, hidden, refused)
        await _bisect(db, changes[middle:], now, owner, hidden, refused)


def _key(change: MessageChange) -> Key:
    return change.tenant_id, change.channel_platform_id, change.message_platform_id
