"""Which processes share the archive, who archives what, and what nobody does: by the API and by the command line."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import aiohttp
import pytest
from sqlalchemy import insert, literal, update

import bot.cli_processes
import bot.cli_syncs  # noqa: F401 # both add verbs
from adapters.discord.simulator import Simulator, uniform_world
from bot.api import NoParameters, ProcessList
from bot.api.processes import ProcessCalls
from storage.database import Database, open_database
from storage.live import processes_of
from storage.processes import Process, beat
from storage.sql import DatabaseTime
from storage.tables import live_state, processes
from tests.support.builders import HOUR, MINUTE, NOW, SHA
from tests.support.daemon import ON_POSTGRES, Daemon, running_daemon
from tests.support.delivering import PigeonLoft, delivering
from tests.support.guilds import guild_of
from tests.support.job_steps import claimed, expire_leadership, new_tenant, queued
from tests.support.post_office import PostOffice
from tests.support.tables_of import only_row, run_sql
from tests.support.verbs import restored_mask, typed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses", "restored_logging")]

ME = Process(
    id="attic:7:00c0ffee",
    host="attic",
    pid=7,
    version="1.0",
    address="http://attic:8080",
    held={"discord": ("0/1",), "parlour": ()},
    started_at=NOW,
)
YOU = replace(ME, id="cellar:8:00decade", host="cellar", pid=8, address=None, held={}, started_at=NOW - HOUR)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open archive."""
    db = await open_database(database_url, hash_choice=SHA)
    yield db
    await db.close()


async def shown(db: Database) -> ProcessList:
    """What this process answers."""
    answer = await ProcessCalls(db=db, owner=ME.id, platforms=["discord"]).list_processes(
        NoParameters(), NoParameters()
    )
    return cast("ProcessList", answer.body)


async def lead(db: Database, part: str, owner: str | None = ME.id, platform: str = "discord") -> None:
    """Let a process have a part of a connection for a minute."""
    row = {"platform": platform, "part": part, "owner": owner, "created_at": NOW, "updated_at": NOW}
    async with db.writing() as connection:
        until = DatabaseTime(literal(60.0)) if owner else None
        await connection.execute(insert(live_state).values(**row, lease_until=until))


async def goes_away(db: Database) -> None:
    """Let the leases of all processes run out, as time does."""
    async with db.writing() as connection:
        await connection.execute(update(processes).values(lease_until=DatabaseTime(literal(-1.0))))


async def test_a_process_is_shown_with_what_it_does(db: Database) -> None:
    assert await shown(db) == ProcessList(processes=[], unheld={})
    (known,) = await beat(db, ME, lease=MINUTE)
    await lead(db, "0/1")
    for number in (1, 2, 3):
        await queued(db, await new_tenant(db, number))
    for _ in range(2):
        await claimed(db, owner=ME.id)
    found = await shown(db)
    assert found.unheld == {}
    (view,) = found.processes
    assert view.model_dump() == {
        "id": ME.id,
        "host": "attic",
        "pid": 7,
        "version": "1.0",
        "address": "http://attic:8080",
        "started_at": NOW,
        "seen_at": known.seen_at,
        "is_this": True,
        "state": "running",
        "held": {"discord": ["0/1"], "parlour": []},
        "leads": {"discord": ["0/1"]},
        "running_jobs": 2,
    }


async def test_what_no_running_process_has_is_named(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await lead(db, "0/1")
    for part in ("10/16", "2/16", "1/16"):
        await lead(db, part, owner=None if part == "10/16" else "one that never entered itself")
    found = await shown(db)
    assert (found.processes[0].leads, found.unheld) == ({"discord": ["0/1"]}, {"discord": ["1/16", "2/16", "10/16"]})
    await expire_leadership(db)
    found = await shown(db)
    assert found.processes[0].leads == {}
    assert found.unheld == {"discord": ["0/1", "1/16", "2/16", "10/16"]}
    async with db.writing() as connection:  # a lease from before the clock was set back
        await connection.execute(update(live_state).values(owner=ME.id, lease_until=DatabaseTime(literal(601.0))))
    assert len((await shown(db)).unheld["discord"]) == 4


async def test_one_that_is_away_has_nothing(db: Database) -> None:
    await beat(db, ME, lease=MINUTE)
    await lead(db, "0/1")
    await goes_away(db)
    if db.dialect == "postgresql":
        await beat(db, YOU, lease=MINUTE)
        assert [(p.id, p.state, p.is_this) for p in (await shown(db)).processes] == [
            (YOU.id, "running", False),
            (ME.id, "away", True),
        ]
    found = await shown(db)
    assert [p.leads for p in found.processes if p.state == "away"] == [{}]
    assert found.unheld == {"discord": ["0/1"]}


async def test_a_tenant_has_the_process_that_its_part_has(db: Database) -> None:
    ids = [await new_tenant(db, number) for number in (1, 2, 3)]
    await beat(db, ME, lease=MINUTE)
    await lead(db, "0/1")
    assert await processes_of(db, ids) == {}, "which part tells of it is not known yet"
    await run_sql(db, "UPDATE tenants SET part = '0/1' WHERE platform_id <> '3'")
    await run_sql(db, "UPDATE tenants SET part = '2/4' WHERE platform_id = '3'")
    assert await processes_of(db, ids) == {ids[0]: ME.id, ids[1]: ME.id}
    assert await processes_of(db, ids[1:]) == {ids[1]: ME.id}
    await run_sql(db, "UPDATE tenants SET platform = 'parlour' WHERE platform_id = '1'")
    assert await processes_of(db, ids) == {ids[1]: ME.id}, "another platform may have such a part, too"
    await goes_away(db)
    assert await processes_of(db, ids) == {}


@ON_POSTGRES
async def test_the_daemon_and_the_command_line_tell(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    world = uniform_world(1, 1)
    tenant = f"/api/tenants/discord-{guild_of(world)}"
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", daemon.url.rpartition(":")[2])
        await daemon.idle()
        owner = (await only_row(db, live_state))["owner"]
        await run_sql(db, "UPDATE tenants SET part = '0/1'")
        await beat(db, replace(ME, id=owner), lease=MINUTE)
        answer = await daemon.get("/api/processes")
        assert [(p["id"], p["is_this"], p["leads"]) for p in answer["processes"]] == [
            (owner, True, {"discord": ["0/1"]})
        ]
        assert answer["unheld"] == {}
        (listed,) = (await daemon.get("/api/tenants"))["tenants"]
        one, state = await daemon.get(tenant), await daemon.get(f"{tenant}/sync")
        assert [each["process"] for each in (listed, one, state)] == [owner] * 3

        with restored_mask():
            said = await typed("processes")
            assert (said.exit_code, said.output.count(owner)) == (0, 2), said.output
            assert "discord 0/1" in said.output
            assert json.loads((await typed("processes --json")).stdout)["processes"][0]["id"] == owner

            assert "Processes" not in await text_of(daemon, "/"), "there is only one, and it has everything"
            await lead(db, "2/4", owner=None, platform="parlour")  # which is archived no more
            assert (await typed("processes")).exit_code == 0
    with restored_mask():
        assert (await typed("processes")).exit_code == 3


@ON_POSTGRES
async def test_parts_that_no_process_is_connected_to_are_shown(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    loft = PigeonLoft(1)
    loft.unready_reason, loft.is_silent, loft.division = "not connected", True, None
    async with delivering(database_url, {"post": PostOffice(1), "pigeon": loft}) as daemon:
        await daemon.idle()
        monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", daemon.url.rpartition(":")[2])
        await lead(db, "2/4", owner=None, platform="pigeon")
        assert "No process is connected to pigeon 2/4: their communities wait." in await text_of(daemon, "/")
        figures = await text_of(daemon, "/metrics")
        for platform, unheld in (("post", 0), ("pigeon", 1)):
            assert f'platform_sync_parts_unheld{{platform="{platform}"}} {unheld}.0' in figures
        with restored_mask():
            said = await typed("processes")
        assert said.exit_code == 1
        assert "no process is connected to pigeon 2/4: their communities wait." in said.output


async def text_of(daemon: Daemon, path: str) -> str:
    """What a browser is shown."""
    async with aiohttp.ClientSession(daemon.url, headers={"Accept": "text/html"}) as session, session.get(path) as page:
        return await page.text()
