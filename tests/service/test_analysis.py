"""Every query of docs/analysis.md, on files that an export of either database made, and on the views."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from bot.export import ExportFormat, ExportOrder, FolderExport, Split
from storage.channels import channel_states, save_channels
from storage.database import Database, open_database
from storage.export import ExportSelection
from storage.messages import MessageBatch, save_batch
from storage.reactions import UserList, pending_totals, save_users
from storage.reader_role import RoleRefused, make_reader_role
from storage.tenants import save_tenant
from tests.support.builders import GUILD, MINUTE, NOW, SHA, attachment, channel, message, thread, total
from tests.support.job_steps import running_job

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).resolve().parents[2] / "docs/analysis.md").read_text()
QUERIES = re.findall(r"^### \d+\. ([^\n]+)\n(?:\n[^`\n]+\n)?\n```sql\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL)
VIEWS = re.findall(r"^```sql-views\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL)
(SNIPPET,) = re.findall(r"^```python\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL)

ADA, BOB, EVE = "a" * 64, "b" * 64, "c" * 64
A, B, E = ADA[:8], BOB[:8], EVE[:8]
BEGIN = NOW.replace(hour=9, minute=0, second=0, microsecond=0)


def answer(number: int, to: int, whose: str, **changes: Any) -> Any:
    """A reply in the first channel."""
    place = {"reply_to_channel_platform_id": "5", "reply_to_message_platform_id": str(to)}
    return message(number, type="reply", reply_to_author_hash=whose, **place, **changes)


TALK = [
    message(1, author_hash=ADA, content="hello", sent_at=BEGIN, reaction_totals=(total("👍", 2),)),
    message(2, author_hash=BOB, content="Who is there?", sent_at=BEGIN + MINUTE),
    answer(3, 2, BOB, author_hash=EVE, sent_at=BEGIN + 3 * MINUTE),
    answer(4, 2, BOB, author_hash=ADA, sent_at=BEGIN + 9 * MINUTE),
    message(5, author_hash=BOB, sent_at=BEGIN + 10 * MINUTE, attachments=(attachment("90"),)),
]
HELP = [
    message(11, author_hash=EVE, content="How does it work?", sent_at=BEGIN + MINUTE * 60),
    message(31, author_hash=ADA, sent_at=BEGIN + timedelta(days=40)),
]
THREAD = [
    message(21, author_hash=ADA, sent_at=BEGIN + timedelta(days=1)),
    message(22, author_hash=BOB, sent_at=BEGIN + timedelta(days=1)),
    message(23, author_hash=ADA, sent_at=BEGIN + timedelta(days=1)),
]
ANSWERS: list[list[tuple[Any, ...]]] = [
    [("2026-11-23", "talk", 8, 3), ("2026-11-23", "help", 1, 1), ("2026-12-28", "help", 1, 1)],
    [(A, 5, 3), (B, 3, 2), (E, 2, 1)],
    [(A, B, 1), (E, B, 1)],
    [("talk", 1, 2.0)],
    [(A, 1, 1)],
    [("talk", "👍", 2)],
    [("2026-11-01", 3, 1)],
    [("Monday", 9, 5), ("Tuesday", 9, 3), ("Monday", 10, 1), ("Saturday", 9, 1)],
    [("help", None, E)],
    [("image/png", 1, 12_345)],
]
OF_VIEWS: list[list[tuple[Any, ...]]] = [
    [("talk", 8), ("help", 2)],
    [(A, B, 1), (E, B, 1)],
    [("talk", "aside", 3, 2)],
    [("talk", "👍", 2)],
]


async def fill(db: Database) -> str:
    """Three people, two channels and a thread."""
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    lease = await running_job(db, tenant.id)
    listed = [channel("5", name="talk"), thread("6", "5", name="aside"), channel("7", name="help")]
    await save_channels(db, tenant.id, listed, NOW)
    ids = {state.platform_id: state.id for state in await channel_states(db, tenant.id)}
    for where, messages in (("5", TALK), ("6", THREAD), ("7", HELP)):
        batch = MessageBatch(tenant_id=tenant.id, channel_id=ids[where], messages=messages, job=lease)
        await save_batch(db, batch, NOW)
    (pending,) = await pending_totals(db, ids["5"], None, 10)
    await save_users(db, [UserList(pending, frozenset([BOB, EVE]))], job=lease, now=NOW)
    return tenant.id


async def test_every_query_of_the_page_answers_its_question(database_url: str, tmp_path: Path) -> None:
    db = await open_database(database_url, hash_choice=SHA)
    try:
        tenant_id = await fill(db)
        order = ExportOrder(
            selection=ExportSelection(tenant_id=tenant_id), format=ExportFormat.PARQUET, split=Split.CHANNEL
        )
        await FolderExport(db=db, order=order, path=tmp_path / "export").run()
        ask_the_files(tmp_path)
        await ask_the_views(db, database_url)
    finally:
        await db.close()


def ask_the_files(folder: Path) -> None:
    assert len(QUERIES) == len(ANSWERS) == 10
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW messages AS SELECT * FROM '{folder}/export/**/*.parquet'")  # noqa: S608
        for (question, query), expected in zip(QUERIES, ANSWERS, strict=True):
            found = connection.execute(query).fetchall()
            shown = [tuple(str(v) if hasattr(v, "isoformat") else v for v in row) for row in found]
            assert [row[: len(expected[0])] for row in shown] == expected, question
    scope: dict[str, Any] = {}
    exec(SNIPPET.replace('"export"', repr(str(folder / "export"))), scope)  # noqa: S102 (the page's own lines)
    assert scope["weekly"].to_numpy().sum() == 10
    assert scope["pairs"].to_dict() == {(A, B): 1, (E, B): 1}
    assert isinstance(scope["messages"], pd.DataFrame)


async def ask_the_views(db: Database, url: str) -> None:
    name = "analyst"
    if db.dialect == "sqlite":
        engine = create_engine(url.replace("+aiosqlite", ""))
        with pytest.raises(RoleRefused, match="SQLite has no roles"):
            await make_reader_role(db, name)
    else:
        password = await make_reader_role(db, name)
        assert await make_reader_role(db, name) is None
        for wrong in ("postgres", "pg_reader", "Analyst", "a; DROP TABLE messages", ""):
            with pytest.raises(RoleRefused):
                await make_reader_role(db, wrong)
        again = await make_reader_role(db, name, new_password=True)
        assert password != again
        engine = create_engine(url, connect_args={"user": name, "password": again})
    try:
        with engine.connect() as connection:
            for query, expected in zip(VIEWS, OF_VIEWS, strict=True):
                assert [tuple(row) for row in connection.execute(text(query))] == expected
        if db.dialect == "postgresql":
            for forbidden in (
                "DELETE FROM messages",
                "SELECT * FROM erased_users",
                "SELECT * FROM opt_outs",
                "CREATE TABLE mine (x int)",
            ):
                with engine.connect() as connection, pytest.raises(DBAPIError) as refused:
                    connection.execute(text(forbidden))
                assert isinstance(refused.value.orig, psycopg.Error)
    finally:
        engine.dispose()
