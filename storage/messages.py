"""Messages and what hangs on them, stored a batch at a time together with the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.records import MessageRecord
from storage import postgres_batch, sqlite_batch
from storage.database import Database
from storage.job_rows import JobLease
from storage.json_text import clean, is_clean
from storage.progress import ProgressState, advance, fail_channel, finish_channel
from storage.stale_rows import delete_stale, may_be_stored
from storage.uninterrupted import uninterrupted

__all__ = ["MessageBatch", "ProgressState", "fail_channel", "finish_channel", "save_batch"]


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


_WRITE_ROWS = {"sqlite": sqlite_batch.write_rows, "postgresql": postgres_batch.write_rows}


@uninterrupted
async def save_batch(db: Database, batch: MessageBatch, now: datetime) -> None:
    """Store a batch and move the channel's checkpoint to its last message, in one transaction.

    Storing a message again brings its row, its attachments and its reaction totals to what is told now. Two
    exceptions: when it was deleted stays, and so does a replied-to author that the platform no longer tells. What
    does not change is not written. Of two records with one id the last is stored.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    messages = _storable(batch.messages)
    last = messages[-1]
    async with db.writing() as connection:
        is_repeat = await may_be_stored(connection, batch.channel_id, messages)
        await _WRITE_ROWS[db.dialect](connection, batch.tenant_id, batch.channel_id, messages, now)
        if is_repeat:
            await delete_stale(connection, batch.channel_id, messages)
        await advance(
            connection,
            batch.job,
            batch.channel_id,
            message_id=last.platform_id,
            sent_at=last.sent_at,
            count=len(messages),
            now=now,
        )


def _storable(messages: Sequence[MessageRecord]) -> list[MessageRecord]:
    """Each id once, text that both databases accept. Nearly always that is what comes in."""
    unique = list({message.platform_id: message for message in messages}.values())
    texts = [(m.content, m.type, m.metadata, m.attachments, m.reaction_totals) for m in unique]
    return unique if is_clean(texts) else [clean(message) for message in unique]
