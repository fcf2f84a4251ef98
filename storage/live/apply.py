"""Keep the archive current with the events of a live connection.

Only stored rows are changed, and no checkpoint is moved: what is not stored yet will be read by the sync.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.channels import forget_deleted
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.live.changes import MessageChange
from storage.live.messages import find_stored, save_edits
from storage.live.reactions import apply_reactions
from storage.messages import add_refetches, apart_where_refused, mark_rows_deleted, refetch_read_elsewhere
from storage.privacy import redactors_for


@finish_before_cancel
@apart_where_refused
async def apply_changes(
    db: Database, changes: Sequence[MessageChange], now: datetime, *, owner: str | None = None
) -> None:
    """Apply changes to stored messages, in one transaction. Applying a change twice has no further effect.

    Changes of unknown messages, of skipped channels and of stopped tenants are ignored. An unknown message that another
    process may be about to store is marked to be refetched.

    Args:
        db: the archive.
        changes: at most one per message, about a thousand at a time.
        now: the time of the rows' change.
        owner: the process that applies them, as in the jobs that it runs itself.

    Raises:
        ValueError: two changes concern one message.
    """
    if len(_keys(changes)) != len(changes):
        raise ValueError("of each message one change")
    if not changes:
        return
    async with db.writing() as connection:
        # Before rows are locked: an erasure waiting for this lock could deadlock with a transaction on those rows.
        await redactors_for(connection, {change.tenant_id for change in changes})
        stored = await find_stored(connection, changes)
        await forget_deleted(connection, _keys(change for change in changes if change.is_deleted), now)
        if owner is not None:
            await refetch_read_elsewhere(connection, _keys(changes) - _keys(stored.values()), owner, now)
        if not stored:
            return
        await save_edits(connection, stored, now)
        await mark_rows_deleted(connection, [key for key, change in stored.items() if change.is_deleted], now)
        invalidated = [change for change in stored.values() if change.is_invalidated]
        await add_refetches(connection, _keys(invalidated), now)
        await apply_reactions(connection, stored, now)


def _keys(changes: Iterable[MessageChange]) -> set[tuple[str, str, str]]:
    return {(c.tenant_id, c.channel_platform_id, c.message_platform_id) for c in changes}
