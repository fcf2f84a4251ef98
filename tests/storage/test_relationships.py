"""Nothing is stored without what it belongs to, and nothing outlives it."""

import pytest

from storage.channels import ChannelState
from storage.database import Database
from storage.errors import StorageError
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.tables import attachments, channels, messages, reaction_totals
from storage.tenants import Tenant
from tests.support.builders import NOW, attachment, message, total
from tests.support.tables_of import count_of, run_sql

# Copies of stored rows that belong to something that is not there.
ORPHANS = {
    "a channel of no tenant": "INSERT INTO channels (tenant_id, platform_id, type, sync_state, metadata, created_at,"
    " updated_at) SELECT 'discord-0', platform_id, type, sync_state, metadata, created_at, updated_at FROM channels",
    "a message of no channel": "UPDATE messages SET channel_id = 999",
    "a message of another tenant's channel": "UPDATE messages SET tenant_id = 'discord-0'",
    "an attachment of no message": "UPDATE attachments SET message_platform_id = '999'",
    "a reaction total of no message": "UPDATE reaction_totals SET message_platform_id = '999'",
}


@pytest.fixture
async def stored(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Database:
    """A message with a file and a reaction."""
    record = message(1, attachments=(attachment("1"),), reaction_totals=(total("👍"),))
    await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[record], job=lease), NOW)
    return db


@pytest.mark.parametrize("statement", ORPHANS.values(), ids=ORPHANS.keys())
async def test_nothing_is_stored_without_what_it_belongs_to(stored: Database, statement: str) -> None:
    with pytest.raises(StorageError):
        await run_sql(stored, statement)


async def test_what_belongs_to_a_tenant_or_a_message_goes_with_it(stored: Database) -> None:
    parts = (attachments, reaction_totals)
    assert [await count_of(stored, table) for table in (channels, messages, *parts)] == [1, 1, 1, 1]
    await run_sql(stored, "DELETE FROM messages")
    assert [await count_of(stored, table) for table in parts] == [0, 0], "parts outlived their message"
    await run_sql(stored, "DELETE FROM tenants")
    assert await count_of(stored, channels) == 0, "a channel outlived its tenant"
