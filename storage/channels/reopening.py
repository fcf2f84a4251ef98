"""What is said of a channel's progress without having read it: that more was seen, or that nothing fails any more."""

from datetime import datetime

from sqlalchemy import bindparam, false, literal_column, update
from sqlalchemy.types import Text

from storage.channels.checkpoint import ProgressState, is_beyond
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.sql import CHANNEL_ID, NOW, Id
from storage.tables import sync_progress

_REOPEN = (
    update(sync_progress)
    .where(sync_progress.c.channel_id == CHANNEL_ID, sync_progress.c.is_read_to_end)
    .where(is_beyond(bindparam("seen", type_=Id), sync_progress.c.last_message_platform_id))
    .values(is_read_to_end=false(), state=literal_column(f"'{ProgressState.SYNCING}'", Text), updated_at=NOW)
)


@finish_before_cancel
async def reopen_channel(db: Database, channel_id: int, seen_id: str, *, job: JobLease, now: datetime) -> None:
    """Mark a channel as not read to its end because a message beyond its checkpoint was seen; the next sync reads on.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        seen_id: the message; one up to the checkpoint changes nothing.
        job: the lease of the job that saw it.
        now: the time of the row's change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await require_lease(connection, job)
        await connection.execute(_REOPEN, {"channel": channel_id, "seen": seen_id, "now": now})


_CLEAR_ERROR = (
    update(sync_progress)
    .where(
        sync_progress.c.channel_id == CHANNEL_ID, sync_progress.c.state == literal_column(f"'{ProgressState.FAILED}'")
    )
    .values(
        state=literal_column(f"'{ProgressState.COMPLETE}'", Text),
        last_error=sync_progress.c.set_aside,
        updated_at=NOW,
    )
)


@finish_before_cancel
async def clear_error(db: Database, channel_id: int, *, job: JobLease, now: datetime) -> None:
    """Clear a channel's failure after it was processed without an error and without a new message.

    A channel that was reopened meanwhile keeps its state; the sync that reads it decides.

    Args:
        db: the archive.
        channel_id: ``channels.id``, of one that is read to its end or that holds no messages.
        job: the lease of the job that processed it.
        now: the time of the row's change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await require_lease(connection, job)
        await connection.execute(_CLEAR_ERROR, {"channel": channel_id, "now": now})
