"""A tenant of which something is stored: without it there are no gaps, for its first sync reads everything anyway."""

from datetime import datetime

from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.messages import MessageBatch, save_batch
from tests.support.builders import channel, message
from tests.support.job_steps import claimed, queued


async def store_something(db: Database, tenant_id: str, now: datetime) -> None:
    """Store a message of a tenant under a job, which goes on running."""
    await queued(db, tenant_id, now=now)
    _, lease = await claimed(db, now)
    await save_channels(db, tenant_id, [channel("1")], now)
    (stored,) = await channel_states(db, tenant_id)
    batch = MessageBatch(tenant_id=tenant_id, channel_id=stored.id, messages=[message(1)], job=lease)
    await save_batch(db, batch, now)
