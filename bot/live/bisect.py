"""Changes that the database refuses, found among those that it takes."""

import logging
from collections.abc import Sequence
from datetime import datetime

from bot.live.buffer import Key
from storage import live
from storage.database import Database
from storage.errors import StorageError, ValueRefused
from storage.live import MessageChange

log = logging.getLogger(__name__)


async def apply_bisecting(db: Database, changes: Sequence[MessageChange], now: datetime, owner: str) -> set[Key]:
    """Apply changes; where one cannot be stored, all others all the same.

    Returns:
        The messages whose change cannot be stored.

    Raises:
        StorageError: the database does not take any.
    """
    if not changes:
        return set()
    try:
        await live.apply_changes(db, changes, now, owner=owner)
    except Exception as e:
        if isinstance(e, StorageError) and not isinstance(e, ValueRefused):
            raise
        return await _halves(db, changes, now, owner, e)
    return set()


async def _halves(
    db: Database, changes: Sequence[MessageChange], now: datetime, owner: str, error: Exception
) -> set[Key]:
    if len(changes) == 1:
        (change,) = changes
        key = change.tenant_id, change.channel_platform_id, change.message_platform_id
        log.error("a change cannot be stored", extra={"channel": key[1], "message_id": key[2]}, exc_info=error)
        return {key}
    middle = len(changes) // 2
    first = await apply_bisecting(db, changes[:middle], now, owner)
    return first | await apply_bisecting(db, changes[middle:], now, owner)
