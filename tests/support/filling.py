"""An archive with much in it, made by the database itself: what a test of plans or of times needs."""

from dataclasses import dataclass

from sqlalchemy import text

from storage.database import Database
from storage.sql import utc_text
from tests.support.builders import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is of everything."""

    tenants: int
    owners: int  # tenants that have channels, and by them all but the jobs
    channels: int
    threads: int
    messages: int  # in the channels
    attachments: int  # one on each of the first messages
    totals: int  # one on each of the first messages
    pending: int  # of the totals
    jobs: int  # ended; spread over all tenants


SMALL = Size(
    tenants=300,
    owners=100,
    channels=200,
    threads=1_000,
    messages=6_000,
    attachments=3_000,
    totals=3_000,
    pending=300,
    jobs=6_000,
)
LARGE = Size(
    tenants=500,
    owners=1,
    channels=100,
    threads=100_000,
    messages=1_000_000,
    attachments=200_000,
    totals=500_000,
    pending=360_000,
    jobs=100_000,
)

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) "
_FILL = (
    (
        "tenants",
        "INSERT INTO tenants (id, platform, platform_id, name, sync_status, last_sync_at, last_successful_sync_at,"
        " metadata, created_at, updated_at) {n} SELECT 'discord-' || i, 'discord', CAST(i AS TEXT), 'x', 'ok',"
        " {now}, {now}, {json}, {now}, {now} FROM n",
    ),
    (
        "channels",
        "INSERT INTO channels (tenant_id, platform_id, name, type, sync_state, head_platform_id, metadata, created_at,"
        " updated_at) {n} SELECT 'discord-' || (1 + i % :owners), CAST(i AS TEXT), 'x', 'text',"
        " 'archived', '9999999', {json}, {now}, {now}"
        " FROM n",
    ),
    (
        "threads",
        "INSERT INTO channels (tenant_id, platform_id, parent_id, name, type, sync_state, head_platform_id,"
        " archived_at, metadata, created_at, updated_at) {n} SELECT 'discord-' || (1 + (1 + i % :channels) % :owners),"
        " CAST(1000000 + i AS TEXT), 1 + i % :channels, 'x', 'thread', 'archived', '9999999', {now}, {json}, {now},"
        " {now} FROM n",
    ),
    (
        "messages",
        "INSERT INTO messages (tenant_id, channel_id, platform_id, author_hash, author_kind, content, type, sent_at,"
        " metadata, created_at, updated_at) {n} SELECT 'discord-' || (1 + (1 + i % :channels) % :owners),"
        " 1 + i % :channels, CAST(1000000 + i AS TEXT),"
        " 'author ' || i % 1000, 'user', 'what is said', 'default', {now}, {json}, {now}, {now} FROM n",
    ),
    (
        "attachments",
        "INSERT INTO attachments (channel_id, message_platform_id, platform_id, filename, url, metadata, created_at,"
        " updated_at) {n} SELECT 1 + i % :channels, CAST(1000000 + i AS TEXT), '1', 'x', 'x', {json}, {now}, {now}"
        " FROM n",
    ),
    (
        "totals",
        "INSERT INTO reaction_totals (channel_id, message_platform_id, emoji_key, burst, emoji, count, fetched_count,"
        " created_at, updated_at) {n} SELECT 1 + i % :channels, CAST(1000000 + i AS TEXT), 'x', {false}, 'x', 3,"
        " CASE WHEN i > :pending THEN 3 END, {now}, {now} FROM n",
    ),
    (
        "jobs",
        "INSERT INTO sync_jobs (id, tenant_id, kind, status, priority, attempt, run_after, queued_at, started_at,"
        " finished_at, totals, created_at, updated_at) {n} SELECT '00000000-0000-7000-8000-00000' || (1000000 + i),"
        " 'discord-' || (1 + i % :tenants),"
        " 'scheduled', 'succeeded', 0, 1, {now}, {now}, {now}, {now}, {json}, {now}, {now} FROM n",
    ),
)
_PROGRESS = (
    "INSERT INTO sync_progress (channel_id, last_message_platform_id, last_message_at, messages_archived, state,"
    " is_read_to_end, created_at, updated_at) SELECT id, '9999999', {now}, 10, 'complete', {true}, {now}, {now}"
    " FROM channels"
)


async def fill(db: Database, size: Size) -> None:
    """Fill an empty archive; every channel is read to its head, and the statistics are up to date."""
    is_postgres = db.dialect == "postgresql"
    words = {
        "n": _NUMBERS,
        "now": "CAST(:now AS TIMESTAMPTZ)" if is_postgres else ":now",
        "json": "CAST('{}' AS JSONB)" if is_postgres else "'{}'",
        "false": "FALSE" if is_postgres else "0",
        "true": "TRUE" if is_postgres else "1",
    }
    values = {
        "now": utc_text(NOW),
        "channels": size.channels,
        "owners": size.owners,
        "tenants": size.tenants,
        "pending": size.pending,
    }
    async with db.writing() as connection:
        for name, statement in _FILL:
            query = text(statement.format(**words))
            given = values | {"many": getattr(size, name)}
            await connection.execute(query, {key: given[key] for key in query._bindparams})
        await connection.execute(text(_PROGRESS.format(**words)), {"now": values["now"]})
        if is_postgres:
            await connection.execute(text("ANALYZE"))
