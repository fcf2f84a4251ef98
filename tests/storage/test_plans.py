"""A query takes a time that grows with what it answers, not with what is stored: by the plan of each statement.

The statements are those that are really sent, with their parameters, by the hourly round and by the API.
"""

import re

import pytest

from storage import channels, jobs, reading
from storage.database import Database
from tests.support.filling import SMALL, fill
from tests.support.plans import recorded, whole_reads
from tests.support.queries import API, HOURLY, READING

LARGE = {"messages", "attachments", "reaction_totals", "reactions", "channels", "sync_jobs", "sync_progress"}


@pytest.fixture
async def filled(db: Database) -> Database:
    await fill(db, SMALL)
    return db


@pytest.mark.slow
async def test_no_query_reads_a_large_table_whole(filled: Database) -> None:
    found: dict[str, set[str]] = {}
    for name, call in (HOURLY | API | READING).items():
        with recorded(filled) as sent:
            await call(filled)
        assert sent or name == "put back what nobody runs", name
        for each in sent:
            async with filled.writing() as connection:
                if whole := await whole_reads(connection, each) & LARGE:
                    found[f"{name}: {each.statement}"] = whole
    assert found == {}


@pytest.mark.slow
async def test_what_is_pending_in_a_channel_is_counted_without_looking_up_each_message(filled: Database) -> None:
    with recorded(filled) as sent:
        await channels.channel_summaries(filled, "discord-1", limit=10)
    async with filled.writing() as connection:
        if filled.dialect == "sqlite":
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent[0].statement}", sent[0].parameters)
            found = [row[-1] for row in plan if row[-1].startswith("SEARCH messages")]
            assert [step.split()[4] for step in found] == ["ix_messages_deleted"]


@pytest.mark.slow
async def test_a_page_of_all_jobs_is_read_in_their_order(filled: Database) -> None:
    with recorded(filled) as sent:
        assert len(await jobs.list_jobs(filled, limit=7)) == 7
        assert len(await jobs.list_jobs(filled, only_finished=True, limit=7)) == 7
    async with filled.writing() as connection:
        for each in sent:  # by the key, and no further than the page
            assert await whole_reads(connection, each) <= {"sync_jobs"}
            if filled.dialect == "sqlite":
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each.statement}", each.parameters)
                assert [row[-1] for row in plan] == ["SCAN sync_jobs USING INDEX sqlite_autoindex_sync_jobs_1"]


@pytest.mark.slow
async def test_a_page_of_messages_is_found_by_the_index_and_read_no_further(filled: Database) -> None:
    channel = await reading.channel_of(filled, "discord-1", "100")
    assert channel is not None
    for call in (reading.messages_before, reading.messages_after):
        with recorded(filled) as sent:
            await call(filled, channel, None, 10)
        async with filled.writing() as connection:
            if filled.dialect == "sqlite":
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent[0].statement}", sent[0].parameters)
                steps = [row[-1] for row in plan]
                assert "USING INDEX ix_messages_channel_id_sent_at (channel_id=? AND sent_at" in steps[0]
                assert len(steps) == 2  # only those of one instant are sorted
                assert re.fullmatch("USE TEMP B-TREE FOR (LAST 2 TERMS|RIGHT PART) OF ORDER BY", steps[1])
            else:
                await connection.exec_driver_sql("SET LOCAL enable_sort = off")
                plan = await connection.exec_driver_sql(f"EXPLAIN {sent[0].statement}", sent[0].parameters)
                whole = " ".join(row[0] for row in plan)
                assert "Incremental Sort" in whole
                assert "using ix_messages_channel_id_sent_at" in whole


async def test_replies_to_messages_are_found_by_the_index_over_them(filled: Database) -> None:
    channel = await reading.channel_of(filled, "discord-1", "100")
    assert channel is not None
    shown = (await reading.messages_before(filled, channel, None, 50)).messages
    with recorded(filled) as sent:
        await reading.conversation_of(filled, channel, "1000300")
        async with filled.asking() as connection:
            await reading.answers_to(connection, channel, shown)
    explain = "EXPLAIN QUERY PLAN" if filled.dialect == "sqlite" else "EXPLAIN"
    async with filled.writing() as connection:
        for each in sent[-2:]:
            plan = await connection.exec_driver_sql(f"{explain} {each.statement}", each.parameters)
            steps = " ".join(str(row[-1]) for row in plan)
            assert "ix_messages_reply_to_message_platform_id" in steps
            assert "ix_messages_tenant_id_sent_at" not in steps
