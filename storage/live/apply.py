"""Keeping the archive current with what a platform says while it is connected.

Only what is stored already is changed, and no checkpoint is moved: what is not stored yet the sync will read.
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
    """Bring stored messages to what they became, in one transaction. Applying a change again changes nothing.

    What is not stored, or in a channel that is not archived, or of a tenant that is stopped, is left alone; but what is
    not stored and may be on its way into the archive through another process is read again later.

    Args:
        db: the archive.
        changes: of each message one, a thousand at a time or so.
        now: the time of the rows' change.
        owner: who applies them, as in the jobs that it runs itself.

    Raises:
        ValueError: a message has two changes.
    """
    if len(_keys(changes)) != len(changes):
        raise ValueError("of each message one change")
    if not changes:
        return
    async with db.writing() as connection:
        # Before rows are locked: an erasure that waits for this table would deadlock with what waits for those rows.
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
