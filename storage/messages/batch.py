"""Messages and what hangs on them, stored a batch at a time together with the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.types import Text

from adapters.records import MessageRecord
from storage.channels import advance
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.messages.rows import storable, write_rows
from storage.messages.stale import delete_stale, may_be_stored
from storage.privacy import redactor_for
from storage.sql import INSERT, RowId, dump_json, json_elements
from storage.tables import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBatch:
    """Messages of one channel, oldest first, that follow its checkpoint."""

    tenant_id: str
    channel_id: int  # channels.id
    messages: Sequence[MessageRecord]
    job: JobLease

    def __post_init__(self) -> None:
        if not self.messages:
            raise ValueError("a batch holds at least one message")


@finish_before_cancel
async def save_batch(db: Database, batch: MessageBatch, now: datetime) -> None:
    """Store a batch and move the channel's checkpoint to its last message, in one transaction.

    Storing a message again brings its row, its attachments and its reaction totals to what is told now. Two
    exceptions: when it was deleted stays, and so does a replied-to author that the platform no longer tells. What
    does not change is not written. Of two records with one id the last is stored. Of people who are forgotten
    nothing is stored.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    records = storable(batch.messages)
    last = records[-1]
    async with db.writing() as connection:
        if redactor := await redactor_for(connection, batch.tenant_id):
            records = [redactor.message(record) for record in records]
        is_repeat = await may_be_stored(connection, batch.channel_id, records)
        await write_rows(connection, batch.tenant_id, batch.channel_id, records, now)
        if is_repeat:
            await delete_stale(connection, batch.channel_id, records)
        await advance(
            connection,
            batch.job,
            batch.channel_id,
            message_id=last.platform_id,
            sent_at=last.sent_at,
            count=len(records),
            now=now,
        )


def _mark_deleted(dialect: str) -> Update:
    """``deleted`` is a JSON array of ids."""
    return (
        update(messages)
        .where(messages.c.channel_id == bindparam("channel", type_=RowId), messages.c.deleted_at.is_(None))
        .where(messages.c.platform_id.in_(select(json_elements(dialect, "deleted", Text()))))
        .values(deleted_at=bindparam("now"), updated_at=bindparam("now"))
    )


_MARK_DELETED = {dialect: _mark_deleted(dialect) for dialect in INSERT}


@finish_before_cancel
async def mark_deleted(
    db: Database, channel_id: int, message_ids: Sequence[str], *, job: JobLease | None, now: datetime
) -> int:
    """Messages were deleted on the platform. Their rows stay; when it was told first stays too.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        message_ids: as the platform tells them; unknown ones do not matter.
        job: the lease of the job that found it out; None where the platform told of it by itself.
        now: what becomes ``deleted_at``.

    Returns:
        How many were not marked before.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    if not message_ids:
        return 0
    values = {"channel": channel_id, "deleted": dump_json(list(message_ids)), "now": now}
    async with db.writing() as connection:
        if job is not None:
            await require_lease(connection, job)
        return (await connection.execute(_MARK_DELETED[db.dialect], values)).rowcount
