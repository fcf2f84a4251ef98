"""The same work leaves the same rows on both databases, in values and in types."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from adapters.records import SkipReason, TenantRecord
from storage.channels import (
    channel_states,
    fail_channel,
    finish_channel,
    follow_parents,
    mark_skipped,
    save_channels,
    save_threads,
)
from storage.database import Database
from storage.jobs import JobKind, JobStatus, enqueue, finish, renew
from storage.live import acquire_leadership, advance_watermark, apply_changes
from storage.messages import MessageBatch, save_batch
from storage.privacy import erase_user, opt_out
from storage.processes import Process, beat, take_turn
from storage.repair import GapReason, record_gap
from storage.tables import metadata
from storage.tenants import defer_until, save_tenant, stop_tenant
from tests.support.builders import (
    GUILD,
    HOUR,
    MINUTE,
    NOW,
    attachment,
    both_totals,
    change,
    channel,
    message,
    reaction,
    skipped,
    thread,
    total,
)
from tests.support.expiring import DAY, sweep, trusted
from tests.support.job_steps import running_job
from tests.support.tables_of import Rows, rows_of

_OWN = {"id", "job_id", "last_job_id", "lease_until", "held_until"}  # made of chance, or by the databases' own clocks
_OF_CHANGES = ("_changes", "_feeds", "_queue")  # PostgreSQL notes by statements, SQLite by rows (test_changes)


@pytest.mark.slow
async def test_the_same_work_leaves_the_same_rows(both: tuple[Database, Database]) -> None:
    for db in both:
        await _work(db)
        await _listen(db)
    tables = [table for table in metadata.sorted_tables if not table.name.endswith(_OF_CHANGES)]
    sqlite, postgres = [{table.name: await _comparable(db, table) for table in tables} for db in both]
    assert sqlite == postgres
    for table, rows in sqlite.items():
        assert rows or table in ("channel_audits", "message_copies", "search_index"), table
        for left, right in zip(rows, postgres[table], strict=True):
            assert {n: type(v) for n, v in left.items()} == {n: type(v) for n, v in right.items()}, table
            times = [v for v in (*left.values(), *right.values()) if isinstance(v, datetime)]
            assert {time.tzinfo for time in times} <= {UTC}, table


async def _work(db: Database) -> None:
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    lease = await running_job(db, tenant.id)
    listed = [channel("1"), channel("20"), skipped(channel("3", name=None), SkipReason.OBFUSCATED), thread("4", "1")]
    await save_channels(db, tenant.id, listed, NOW)
    await save_threads(db, tenant.id, "1", [thread("100", "1"), thread("9", "1")], {"until": "1"}, NOW + MINUTE)
    records = [
        message(
            n,
            attachments=(attachment(str(n)),),
            reaction_totals=(total("👍", n),),
            metadata={"n": n, "f": 0.5, "reference": {"channel_id": "20", "message_id": "7"}, "forward": {}},
        )
        for n in (8, 9, 10, 100)
    ]
    for part in (records, records[1:3], [message(9, content="edited", edited_at=NOW)]):
        batch = MessageBatch(tenant_id=tenant.id, channel_id=1, messages=part, job=lease)
        await save_batch(db, batch, NOW + MINUTE)
    await finish_channel(db, 1, deleted_head_id="101", job=lease, now=NOW + HOUR)
    await mark_skipped(db, tenant.id, ["1"], SkipReason.NOT_PUBLIC, NOW + HOUR)
    await follow_parents(db, tenant.id, NOW + HOUR)
    await fail_channel(db, 2, error={"code": "x", "attempts": 4}, job=lease, now=NOW + HOUR)
    await mark_skipped(db, tenant.id, ["1"], SkipReason.NOT_PUBLIC, NOW + MINUTE)
    await follow_parents(db, tenant.id, NOW + MINUTE)
    await renew(db, lease, now=NOW, totals={"messages": 4, "part": 0.25})
    await finish(db, lease, status=JobStatus.PARTIAL, totals={"messages": 4}, error={"code": "y"}, now=NOW + HOUR)
    await defer_until(db, None, "discord", NOW + 2 * HOUR, NOW + HOUR)
    await enqueue(db, tenant.id, JobKind.SCHEDULED, now=NOW + HOUR)


NOTHING: Any = None  # what no row can hold


async def _listen(db: Database) -> None:
    tenant, _ = await save_tenant(db, "quiet", TenantRecord(platform_id="7", name=None), connected=True, now=NOW)
    lease = await running_job(db, tenant.id)
    await save_channels(db, tenant.id, [channel("1")], NOW)
    (state,) = await channel_states(db, tenant.id)
    records = [message(n, reaction_totals=both_totals("👍", n - 1, 0)) for n in (1, 2, 3)]
    await save_batch(
        db, MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=records, job=lease), NOW + MINUTE
    )
    given = [reaction("a"), reaction("b", burst=True), reaction("a", emoji="🎉")]
    changes = [
        change(tenant.id, "1", "1", edited=message(1, content="edited", edited_at=NOW), reactions=given),
        change(tenant.id, "1", "2", is_deleted=True, is_invalidated=True, reactions=given),
        change(tenant.id, "1", "3", is_cleared=True),
        change(tenant.id, "1", "4", created=message(4, type=NOTHING)),
    ]
    await apply_changes(db, changes, NOW + HOUR)
    await acquire_leadership(db, "quiet", ["0/1"], "me", now=NOW, lease=MINUTE)
    await advance_watermark(db, "quiet", "me", {"0/1": NOW}, NOW)
    held = {"quiet": ("0/1",)}
    await beat(db, Process(id="me", host="a", pid=1, version="1", address=None, held=held, started_at=NOW), lease=HOUR)
    await take_turn(db, "quiet", "me", 10)
    await record_gap(db, tenant.id, GapReason.OUTAGE, began_at=None, ended_at=NOW, now=NOW)
    await stop_tenant(db, tenant.id, NOW + HOUR)
    await erase_user(db, "f" * 64, tenant_id=None, now=NOW)
    await opt_out(db, "e" * 64, tenant_id=tenant.id, now=NOW)
    await trusted(db, tenant.id, now=NOW + 40 * DAY)
    await sweep(db, tenant.id)


async def _comparable(db: Database, table: Any) -> Rows:
    rows = await rows_of(db, table)
    own = _OWN
    if table.name in ("archive_settings", "processes", "turns"):
        own |= {"created_at", "updated_at"}
    kept = [{n: v for n, v in row.items() if n not in own or isinstance(v, int)} for row in rows]
    return [row | {"id": None} for row in kept]


@pytest.mark.slow
async def test_the_databases_own_functions_read_times_and_metadata(both: tuple[Database, Database]) -> None:
    """What an analyst types: the same answers, each in its dialect's words."""
    questions = {
        "sqlite": "SELECT strftime('%Y-%m-%d %H:%M', sent_at), CAST(strftime('%s', sent_at) AS INTEGER),"
        " sent_at < datetime('2026-11-23 09:00:10'), metadata ->> '$.n', json_extract(metadata, '$.n')"
        " FROM messages ORDER BY sent_at, length(platform_id), platform_id",
        "postgresql": "SELECT to_char(sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),"
        " floor(extract(epoch FROM sent_at))::int,"
        " sent_at < '2026-11-23 09:00:10+00', (metadata ->> 'n')::int, (metadata -> 'n')::int"
        " FROM messages ORDER BY sent_at, length(platform_id), platform_id",
    }
    answers = []
    for db in both:
        await _work(db)
        async with db.reading() as connection:
            answers.append([tuple(row) for row in await connection.execute(text(questions[db.dialect]))])
    # SQLite has no true: it says 1.
    assert answers[0] == answers[1]
    assert [row[0] for row in answers[0]] == ["2026-11-23 09:00"] * 3 + ["2026-11-23 09:01"]
    assert [bool(row[2]) for row in answers[0]] == [True, True, False, False]


async def test_a_conversation_is_walked_with_one_recursive_query(db: Database) -> None:
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    lease = await running_job(db, tenant.id)
    await save_channels(db, tenant.id, [channel("1")], NOW)
    talk = [
        message(n, reply_to_channel_platform_id="1", reply_to_message_platform_id=str(n // 2)) for n in range(1, 16)
    ]
    await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=1, messages=talk, job=lease), NOW)
    walk = text(
        "WITH RECURSIVE talk(id, depth) AS (SELECT platform_id, 0 FROM messages WHERE platform_id = '3'"
        " UNION ALL SELECT m.platform_id, depth + 1 FROM messages m"
        " JOIN talk ON m.reply_to_message_platform_id = talk.id)"
        " SELECT id, depth FROM talk ORDER BY depth, length(id), id"
    )
    async with db.reading() as connection:
        found = [tuple(row) for row in await connection.execute(walk)]
    assert found == [("3", 0), ("6", 1), ("7", 1), *((str(n), 2) for n in range(12, 16))]
