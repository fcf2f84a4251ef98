"""The views for reading: names in place of ids, the same on both databases."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.reactions import pending_totals
from storage.tenants import Tenant
from storage.views import VIEWS
from tests.support.builders import NOW, attachment, both_totals, channel, message, thread, total
from tests.support.user_lists import save_list

A, B = "a" * 64, "b" * 64


@pytest.fixture
async def filled(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Database:
    """Two messages in a channel, one of them deleted, and two in a thread of it."""
    await save_channels(db, tenant.id, [channel("5", name="general"), thread("6", "5", name="a thread")], NOW)
    records = {
        "5": [
            message(1, attachments=(attachment("1"),), reaction_totals=(*both_totals("👍", 1, 1), total("🎉"))),
            message(2, author_hash=B),
        ],
        "6": [message(3, reply_to_message_platform_id="1", reply_to_author_hash=A), message(4, author_hash=B)],
    }
    for state in await channel_states(db, tenant.id):
        batch = MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=records[state.platform_id], job=lease)
        await save_batch(db, batch, NOW)
    for pending in await pending_totals(db, general.id, None, 10):
        await save_list(db, pending, user_hashes=[B], job=lease, now=NOW)
    await mark_deleted(db, general.id, ["2"], job=lease, now=NOW)
    return db


async def read(db: Database, name: str, order: str, *columns: str) -> list[tuple[Any, ...]]:
    async with db.reading() as connection:
        found = await connection.execute(text(f"SELECT {', '.join(columns)} FROM {name} ORDER BY {order}"))  # noqa: S608
        return [tuple(row) for row in found]


async def test_the_columns_are_those_that_are_described(filled: Database) -> None:
    async with filled.reading() as connection:
        for view in VIEWS:
            found = await connection.execute(text(f"SELECT * FROM {view.name}"))  # noqa: S608
            assert list(found.keys()) == list(view.columns), view.name


async def test_messages(filled: Database) -> None:
    columns = ("tenant", "channel", "thread", "author", "content", "reply_to_author", "reactions", "files")
    assert await read(filled, "readable_messages", "sent_at", *columns) == [
        ("Guild", "general", None, "aaaaaaaa", "message 1", None, 3, 1),
        ("Guild", "general", None, "bbbbbbbb", "message 2", None, 0, 0),
        ("Guild", "general", "a thread", "aaaaaaaa", "message 3", "aaaaaaaa", 0, 0),
        ("Guild", "general", "a thread", "bbbbbbbb", "message 4", None, 0, 0),
    ]
    deleted = await read(filled, "readable_messages", "sent_at", "deleted_at IS NOT NULL")
    assert [bool(row[0]) for row in deleted] == [False, True, False, False]


async def test_threads(filled: Database) -> None:
    columns = ("channel", "thread", "thread_platform_id", "messages", "authors")
    assert await read(filled, "readable_threads", "thread", *columns) == [("general", "a thread", "6", 2, 2)]


async def test_reactions(filled: Database) -> None:
    rows = await read(filled, "readable_reactions", "emoji, burst", "channel", "author", "emoji", "burst", "given_by")
    assert sorted(rows) == sorted(
        ("general", "aaaaaaaa", emoji, burst, "bbbbbbbb")
        for emoji, burst in (("👍", False), ("👍", True), ("🎉", False))
    )


async def test_days(filled: Database) -> None:
    day = f"{message(1).sent_at:%Y-%m-%d}"
    rows = await read(filled, "daily_activity", "day", "tenant", "channel", "day", "messages", "authors")
    assert rows == [("Guild", "general", day, 3, 2)]


async def test_the_migrations_make_what_the_code_says(filled: Database) -> None:
    """Made anew from the code, they are as they were."""
    async with filled.writing() as connection:
        before = await _definitions(connection)
        for view in VIEWS:
            await connection.execute(text(f"DROP VIEW {view.name}"))
            await connection.exec_driver_sql(view.create(filled.dialect))
        assert await _definitions(connection) == before


async def _definitions(connection: AsyncConnection) -> dict[str, str]:
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'view'"
    postgres = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"
    found = await connection.execute(text(sqlite if connection.dialect.name == "sqlite" else postgres))
    return {row[0]: row[1] for row in found}
