"""A sync's batch: messages of one channel, stored in one transaction with the channel's checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.ids import number
from adapters.records import MessageRecord
from storage.channels import advance, require_archived
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.messages.deletion import mark_rows_deleted
from storage.messages.isolation import apart_where_refused
from storage.messages.refetch import Changed, add_refetches
from storage.messages.replies import mark_answers_to_deleted
from storage.messages.rows import prepare, write_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBatch:
    """Consecutive messages of one channel, oldest first, behind its checkpoint; complete up to the newest of them."""

    tenant_id: str
    channel_id: int  # channels.id
    messages: Sequence[MessageRecord]
    job: JobLease
    requested_at: datetime | None = None  # when the first of its pages was requested; None: unknown
    changed: Changed = tuple  # messages to be refetched: events named them while the batch was on its way

    def __post_init__(self) -> None:
        if not self.messages:
            raise ValueError("a batch holds at least one message")


@finish_before_cancel
@apart_where_refused
async def save_batch(db: Database, batch: MessageBatch, now: datetime) -> frozenset[str]:
    """Store a batch of messages and move the channel's checkpoint to its newest one, never back.

    A deletion mark set before the batch was requested is removed.

    Returns:
        The ids of messages that the database cannot hold. They are named in the channel's error, and the checkpoint
        moves beyond them.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
        ChannelSkipped: the channel is no longer archived; nothing was written.
    """
    async with db.writing() as connection:
        prepared = await prepare(connection, {(batch.tenant_id, batch.channel_id): batch.messages})
        refused = await write_messages(connection, prepared, now, seen_at=batch.requested_at)
        records = [record for _, record in prepared.rows()]
        stored = [r for r in records if (batch.channel_id, r.platform_id) not in refused] if refused else records
        await mark_answers_to_deleted(connection, batch.channel_id, stored, now)
        await advance(
            connection,
            batch.job,
            batch.channel_id,
            message_id=max(records, key=_number).platform_id,
            sent_at=max(stored, key=_number).sent_at if stored else now,
            written=[record.platform_id for record in stored],
            now=now,
        )
        await require_archived(connection, batch.channel_id)
        await add_refetches(connection, batch.changed(), now)
    return frozenset(message_id for _, message_id in refused)


def _number(record: MessageRecord) -> int:
    return number(record.platform_id)


@finish_before_cancel
async def mark_deleted(
    db: Database, channel_id: int, message_ids: Sequence[str], *, job: JobLease, now: datetime
) -> None:
    """Mark messages of a channel as deleted, in a transaction of its own; their rows are kept.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        message_ids: the platform's ids; unknown ones are ignored.
        job: the lease of the job that found them deleted.
        now: the ``deleted_at`` of messages that have none yet.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
    """
    async with db.writing() as connection:
        await require_lease(connection, job)
        await mark_rows_deleted(connection, [(channel_id, message_id) for message_id in message_ids], now)
