"""What lies at the edge of what a column can hold is stored and read again, on both databases."""

from datetime import UTC, datetime
from typing import LiteralString

import pytest

from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database, open_database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.tables import attachments, messages, reaction_totals
from storage.tenants import Tenant, save_tenant
from tests.support.builders import GUILD, NOW, SHA, attachment, channel, message, total
from tests.support.job_steps import running_job
from tests.support.postgres import Postgres
from tests.support.tables_of import only_row

FIRST = datetime(1, 1, 1, tzinfo=UTC)
WEST: LiteralString = (
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone TO %L', current_database(), 'America/New_York'); END $$"
)


async def test_the_largest_numbers_and_the_longest_keys(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    files, totals = (attachment("1", size_bytes=2**63 - 1),), (total("\U0001f468" * 500, 2**31 - 1),)
    record = message(1, attachments=files, reaction_totals=totals)
    await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[record], job=lease), NOW)
    assert (await only_row(db, attachments))["size_bytes"] == 2**63 - 1
    row = await only_row(db, reaction_totals)
    assert (row["emoji_key"], row["count"]) == ("\U0001f468" * 500, 2**31 - 1)


@pytest.mark.parametrize("how", ["of the database", "of the URL"])
async def test_the_year_1_is_read_whatever_the_servers_time_zone(postgres: Postgres, how: str) -> None:
    """West of Greenwich it would begin in the year before it, which Python has not."""
    url = postgres.create_database()
    if how == "of the URL":
        url += "&options=-c%20timezone%3DAmerica%2FNew_York"
    else:
        postgres.execute(url, WEST)
    db = await open_database(url, hash_choice=SHA)
    try:
        tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
        lease = await running_job(db, tenant.id)
        await save_channels(db, tenant.id, [channel("5")], NOW)
        (general,) = await channel_states(db, tenant.id)
        batch = [message(1, sent_at=FIRST, edited_at=FIRST)]
        await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=batch, job=lease), NOW)
        try:
            row = await only_row(db, messages)
        except Exception as e:  # noqa: BLE001 (the driver's, whatever it is)
            pytest.fail(f"it cannot be read: {e}")
        assert (row["sent_at"], row["edited_at"]) == (FIRST, FIRST)
    finally:
        await db.close()
