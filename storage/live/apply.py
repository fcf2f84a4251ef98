"""Keep the archive current with the events of a live connection.

New messages are stored, and other events change stored rows alone. In a channel that is followed a new message moves
the checkpoint with it; in any other it is stored early: the sync reads everything beyond the checkpoint, and no row
there is a proof of anything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from storage.channels import forget_deleted
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.live.changes import ChannelKey, MessageChange
from storage.live.checkpoints import move_checkpoints
from storage.live.leader import Part, hold_leadership
from storage.live.messages import Archived, find_archived, find_stored, save_created, save_edits
from storage.live.reactions import apply_reactions
from storage.live.threads import place_in_threads
from storage.live.trace import traced
from storage.messages import add_refetches, apart_where_refused, mark_rows_deleted, refetch_read_elsewhere
from storage.privacy import redactors_for
from storage.unwritten import settle_deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of new messages."""

    left_out: Collection[ChannelKey] = ()  # channels of which some were not stored: they are not archived at present
    moved: Collection[ChannelKey] = ()  # channels whose checkpoint moved with them


@finish_before_cancel
@apart_where_refused
async def apply_changes(
    db: Database,
    changes: Sequence[MessageChange],
    now: datetime,
    *,
    owner: str | None = None,
    leases: Mapping[Part, int] = MappingProxyType({}),
    hidden: Collection[ChannelKey] = (),
    followed: Collection[ChannelKey] = (),
) -> Applied:
    """Store new messages and apply changes to stored ones, in one transaction. Doing it twice has no further effect.

    Changes of unknown messages, of skipped channels and of stopped tenants are ignored. A changed message that another
    process may be about to store, as it was before, is marked to be refetched.

    Args:
        db: the archive.
        changes: at most one per message, about a thousand at a time.
        now: the time of the rows' change.
        owner: the process that applies them, as in the jobs that it runs itself.
        leases: the parts of platforms' connections that they came by, which the owner leads, with their epochs.
        hidden: channels that are to be skipped by a later event: no new message of them is stored.
        followed: channels of which every message beyond the checkpoint is in ``changes``, or stored.

    Raises:
        LeadershipLost: another process leads one of the parts.
        ValueError: two changes concern one message.
    """
    if len(_keys(changes)) != len(changes):
        raise ValueError("of each message one change")
    if not changes:
        return Applied()
    async with traced(changes) as trace, db.writing() as connection:
        if owner is not None:
            await hold_leadership(connection, leases, owner)
        # Before rows are locked: an erasure waiting for this lock could deadlock with a transaction on those rows.
        await redactors_for(connection, {change.tenant_id for change in changes})
        changes = await place_in_threads(connection, changes)
        archived = await find_archived(connection, changes)
        stored = await find_stored(connection, archived)
        created = await save_created(connection, archived, stored, hidden=hidden, now=now)
        left_out = _left_out(changes, archived, hidden)
        moved = await move_checkpoints(connection, archived, created, set(followed) - left_out, now)
        stored |= created
        await forget_deleted(connection, _keys(change for change in changes if change.is_deleted), now)
        await settle_deleted(connection, _keys(change for change in changes if change.is_deleted), now)
        if owner is not None:
            later = [change for change in changes if change.is_after_creation]
            await refetch_read_elsewhere(connection, _keys(later), owner, now)
        await add_refetches(connection, _keys(c for c in archived.changes.values() if c.is_missed), now)
        await trace.note(connection, archived.changes, stored)
        if not stored:
            return Applied(left_out=left_out, moved=moved)
        trace.refused(await save_edits(connection, stored, now))
        await mark_rows_deleted(connection, [key for key, change in stored.items() if change.is_deleted], now)
        invalidated = [change for change in stored.values() if change.is_invalidated]
        await add_refetches(connection, _keys(invalidated), now)
        await apply_reactions(connection, stored, now)
    return Applied(left_out=left_out, moved=moved)


def _left_out(changes: Iterable[MessageChange], archived: Archived, hidden: Collection[ChannelKey]) -> set[ChannelKey]:
    kept = {key for key in archived.channels if archived.places_of(key).isdisjoint(hidden)}
    return {change.channel for change in changes if change.created} - kept


def _keys(changes: Iterable[MessageChange]) -> set[tuple[str, str, str]]:
    return {(c.tenant_id, c.channel_platform_id, c.message_platform_id) for c in changes}
