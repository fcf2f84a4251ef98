"""An archive of the first release is brought to the newest schema with every row as it was.

``data/baseline-*.sql`` are dumps of such an archive with a row in every table. They never change.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from storage.database import migrate, open_database
from storage.migrations.runner import known_revisions
from tests.support.change_follower import ChangeFollower, archived
from tests.support.postgres import Postgres
from tests.support.tables_of import run_sql

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=["sqlite", "postgresql"])
def baseline_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An archive of the first release."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/archive.db"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create_database(migrated=False)
    statements = (DATA / f"baseline-{request.param}.sql").read_text().split(";\n")
    _with_connection(url, lambda connection: [connection.exec_driver_sql(s) for s in statements if s.strip()])
    return url


@pytest.mark.slow
async def test_every_row_is_as_it_was(baseline_url: str) -> None:
    before = _with_connection(baseline_url, _rows)
    assert all(before.values()), f"the dump has no row of {[table for table, rows in before.items() if not rows]}"
    await migrate(baseline_url)
    after = _with_connection(baseline_url, _rows)
    assert after.pop("alembic_version") == [{"version_num": known_revisions()[0]}]
    assert before.pop("alembic_version") == [{"version_num": "baseline"}]
    for table, rows in before.items():
        stayed = [row for row in after[table] if row.get("name") != "changes_numbered_id"]
        kept = [{name: row[name] for name in rows[0]} for row in stayed]
        assert kept == rows, table
    assert {row["part"] for row in after["live_state"]} == {"0/1"}, "what was written was so of the whole platform"


QUOTE = "https://discord.com/channels/100/5/7"
SOURCE = {"channel_id": "5", "message_id": "7"}
TOO_LONG = "/channels/100/5/" + "".join(str(n * n) for n in range(1_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "paths"),
    [
        ({"embeds": [{"fields": [{"value": f"[Jump!]({QUOTE}) {TOO_LONG}"}]}]}, {'["embeds",0]'}),
        ({"components": [{}, {"content": QUOTE}]}, {'["components",1]'}),
        ({"reference": SOURCE, "forward": {"embeds": [{"url": QUOTE}]}}, {'["forward"]', '["forward","embeds",0]'}),
        ({"reference": SOURCE, "flags": 2}, {"[]"}),
    ],
)
async def test_what_stored_messages_repeat_is_noted(
    baseline_url: str, metadata: dict[str, Any], paths: set[str]
) -> None:
    statement = text("UPDATE messages SET metadata = :metadata WHERE platform_id = '8'")
    if baseline_url.startswith("postgresql"):
        statement = text("UPDATE messages SET metadata = CAST(:metadata AS JSONB) WHERE platform_id = '8'")
    _with_connection(baseline_url, lambda c: c.execute(statement, {"metadata": json.dumps(metadata)}))
    await migrate(baseline_url)
    copies = _with_connection(baseline_url, _rows)["message_copies"]
    names = ("channel_id", "message_platform_id", "original_channel_platform_id", "original_message_platform_id")
    assert {tuple(copy[name] for name in names) for copy in copies} == {(1, "8", "5", "7")}
    assert {copy["path"] for copy in copies} == paths


@pytest.mark.slow
async def test_what_was_stored_before_is_in_the_feed_of_changes(baseline_url: str) -> None:
    before = _with_connection(baseline_url, _rows)
    kept = before["archive_settings"][0]["value"]
    db = await open_database(baseline_url.replace("sqlite:", "sqlite+aiosqlite:"), hash_choice=kept)
    for tenant in before["tenants"]:
        follower = ChangeFollower(db, tenant["id"], limit=1)
        told = await follower.follow()
        assert len(told) == len(follower.mirror), "each once"
        assert follower.mirror == await archived(db, tenant["id"])
        await run_sql(db, "UPDATE messages SET content = 'changed by hand' WHERE tenant_id = :id", id=tenant["id"])
        assert await follower.follow() == [("edited", message) for _, message in told]
    await db.close()


def _rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608 # ours
        for table in inspect(connection).get_table_names()
    }


def _with_connection(url: str, work: Callable[[Connection], Any]) -> Any:
    with create_engine(url.replace("+aiosqlite", ""), poolclass=NullPool).begin() as connection:
        return work(connection)
