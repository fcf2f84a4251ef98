"""The verbs about syncs: by way of a running daemon and without one, and exit statuses by what they find."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import bot.cli_syncs
from adapters.discord.simulator import Fault, Simulator, uniform_world
from bot.cli import app
from tests.support.daemon import running_daemon
from tests.support.guilds import guild_of
from tests.support.verbs import restored_mask, typed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses", "restored_logging")]

TOKEN = "a-token-of-a-test"
NO_JOB = "019adf2c-5b1e-7000-8a4b-2f1c9d0e7a11"


@pytest.fixture(autouse=True)
def _same_mask() -> Iterator[None]:
    with restored_mask():
        yield


async def given(words: str) -> tuple[int, Any]:
    """The exit status and the JSON of a verb."""
    ended = await typed(f"{words} --json")
    return ended.exit_code, json.loads(ended.stdout)


async def test_the_command_line_answers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = uniform_world(2, 120)
    tenant = f"discord-{guild_of(world)}"
    database_url = database_url.replace("+aiosqlite", "").replace("+psycopg", "")  # the short forms do as well
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    monkeypatch.setenv("PLATFORM_SYNC_API_TOKEN", TOKEN)
    async with Simulator(world) as sim:
        async with running_daemon(sim, database_url, {"PLATFORM_SYNC_API_TOKEN": TOKEN}) as daemon:
            daemon._session.headers["Authorization"] = f"Bearer {TOKEN}"
            (first,) = await daemon.idle()
            monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", daemon.url.rpartition(":")[2])
            await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)

            status, shown = await given("status")
            assert (status, shown["daemon"]) == (0, {"url": daemon.url, "unready": None})
            assert [(one["id"], one["sync_status"]) for one in shown["tenants"]] == [(tenant, "ok")]
            ended = await typed(f"status {tenant}")
            assert (ended.exit_code, "no audit has been completed" in ended.output) == (0, True), ended.output
            assert (await typed("status discord-1")).exit_code == 1

            status, synced = await given(f"sync {tenant} --wait")
            assert (status, synced["status"], synced["kind"]) == (0, "succeeded", "manual")
            status, audited = await given(f"audit {tenant} --wait")
            assert (status, audited["kind"], audited["coverage"]["of"]) == (0, "audit", 240)
            assert "archive is 240 of 240 messages" in (await typed(f"status {tenant}")).output
            listed = (await given("jobs --limit 2"))[1]
            assert [job["kind"] for job in listed] == ["audit", "manual"]
            assert first["job_id"] in (await typed(f"jobs --tenant {tenant}")).output

            ended = await typed(f"cancel {synced['job_id']}")
            assert (ended.exit_code, "it had succeeded before" in ended.output) == (1, True)
            for wrong in (f"cancel {NO_JOB}", f"jobs {NO_JOB}", "sync discord-1", "sync 1", "jobs no-job"):
                ended = await typed(wrong)
                assert (ended.exit_code, "refused: " in ended.stderr) == (1, True), (wrong, ended.output)
            # An id stays one part of the address: this would stop the tenant.
            for way in (f"cancel ../tenants/{tenant}", f"cancel ../tenants/{tenant}?purge=true", "cancel .."):
                assert (await typed(way)).exit_code == 1, way
            assert (await given(f"status {tenant}"))[1]["tenants"][0]["stopped_at"] is None
            assert (await typed("jobs --tenant discord-1")).exit_code == 1
            sim.faults.add(Fault("hold", times=None))
            ended = await typed(f"sync {tenant}")
            running = ended.stdout.partition(":")[0]
            assert ended.exit_code == 0
            assert "asked for before" in (await typed(f"sync {tenant}")).output
            ended = await typed(f"cancel {running}")
            assert (ended.exit_code, "cancelled" in ended.output) == (0, True), ended.output
            following = asyncio.create_task(given(f"sync {tenant} --wait"))
            sim.faults.clear()
            assert (await following)[0] in (0, 1), "by whether it is the cancelled one that was followed"
            assert (await typed(f"cancel {running}")).exit_code == 1, "it has ended"
            monkeypatch.setenv("PLATFORM_SYNC_API_TOKEN", "another-token-of-a-test")
            assert (await typed("status")).exit_code == 1

        status, shown = await given("status")
        assert (status, shown["daemon"], shown["tenants"][0]["id"]) == (bot.cli_syncs.NO_DAEMON, None, tenant)
        assert (await given(f"jobs {synced['job_id']}")) == (0, synced)
        status, ended_job = await given(f"jobs {running}")
        assert status == (ended_job["status"] != "succeeded"), "it may have been past its last safe point"
        assert (await typed(f"jobs {NO_JOB}")).exit_code == 1
        for verb in (f"sync {tenant}", f"audit {tenant}", f"cancel {running}"):
            ended = await typed(verb)
            assert (ended.exit_code, "start it with 'platform-sync run'" in ended.stderr) == (3, True), ended.output


def test_without_an_archive_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", "1")
    ended = CliRunner().invoke(app, ["status"])
    assert (ended.exit_code, "There is no archive at" in ended.stderr) == (1, True)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 0),
        ({"stored": 9}, 1),
        ({"requested_at": "2026-01-01T00:00:00Z"}, 75),
        ({"ranges_left": 1}, 75),
        ({"audited_at": None}, 75),
        ({"audited_at": "2026-01-01T11:59:59Z"}, 75),
    ],
)
def test_an_audit_is_done_only_where_it_was_completed_since(more: dict[str, Any], status: int) -> None:
    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    found = {"stored": 10, "of": 10, "audited_at": "2026-01-01T12:00:01Z", "requested_at": None, "ranges_left": 0}
    assert bot.cli_syncs.end_of_audit(found | more, since) == status
