"""The whole daemon with [retention]: a first sync stores no old content, nothing brings it back, and all say so."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator
from bot.export import ExportFormat, ExportOrder, FolderExport, Split, read_jsonl
from bot.retention import ContentRetention
from storage.database import open_database
from storage.export import ExportSelection
from storage.tables import attachments, messages
from tests.support.archive import values_of
from tests.support.archive_folder import everything_in
from tests.support.builders import SHA
from tests.support.daemon import Clock, Daemon, running_daemon
from tests.support.small_world import GUILD, MESSAGES, OTHER_GUILD, TEXT, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TENANT = f"/api/tenants/discord-{GUILD}"
KEPT_A_MONTH = {"PLATFORM_SYNC_RETENTION__CONTENT_DAYS": "30"}
NEW = "brand new words"


async def test_old_content_never_comes_in_and_all_say_so(database_url: str, tmp_path: Path) -> None:
    world = small_world()
    del world.guilds[OTHER_GUILD]
    async with Simulator(world) as sim, running_daemon(sim, database_url, KEPT_A_MONTH) as daemon:
        await daemon.idle()
        assert set(values_of(database_url, messages.c.content)) == {""}
        assert values_of(database_url, attachments.c.platform_id) == []
        sim.change.edit(TEXT, MESSAGES[7], "old words again")
        sim.change.post(TEXT, NEW)
        await daemon.sees(lambda: NEW in values_of(database_url, messages.c.content))
        status, job = await daemon.ask("POST", f"{TENANT}/sync", json={"kind": "audit"})
        assert status == 202
        assert (await daemon.job_ended(job["job_id"]))["status"] == "succeeded"
        assert set(values_of(database_url, messages.c.content)) == {"", NEW}
        assert database_url.startswith("postgres") or "old words again" not in everything_in(tmp_path)
        await _all_say_so(daemon, tmp_path, database_url)


async def _all_say_so(daemon: Daemon, tmp_path: Path, database_url: str) -> None:
    day = (await daemon.get(TENANT))["content_retention"]["content_removed_before"]
    coverage = await daemon.until(
        lambda: daemon.get(f"{TENANT}/coverage"), lambda found: found["content_retention"]["state"] == "done"
    )
    assert (coverage["changed"], coverage["missing"], coverage["stored"]) == (0, 0, coverage["of"])
    nothing = (await daemon.get(f"{TENANT}/search?q=message"))["nothing"]
    assert nothing["content_removed_before"] == day
    assert f"what was said before {day[:10]} (UTC) is not kept" in nothing["detail"]
    assert [hit["content"] for hit in (await daemon.get(f"{TENANT}/search?q=brand"))["hits"]] == [NEW]
    page = f"/tenants/discord-{GUILD}/channels/{TEXT}?at={MESSAGES[7]}"
    for path, words in ((page, "Removed by retention"), (f"/tenants/discord-{GUILD}", f"sent before {day[:10]} (UTC)")):
        async with daemon._session.get(daemon.url + path, headers={"Accept": "text/html"}) as answer:
            assert (answer.status, words in await answer.text()) == (200, True)
    exposed, _ = await daemon.metrics.expose("")
    assert f'platform_sync_content_removed_before_timestamp_seconds{{tenant="discord-{GUILD}"}}' in exposed.decode()
    async with daemon._session.get(f"{daemon.url}{TENANT}/export?format=jsonl&channel={TEXT}") as answer:
        exported = tmp_path / "export.jsonl"
        exported.write_bytes(await answer.read())
    rows = list(read_jsonl(exported))
    assert [row["content"] for row in rows if not row["metadata"].get("content_removed")] == [NEW]
    assert f'"content_removed_before":"{day[:10]}' in exported.read_text()
    assert len(rows) == 251


async def test_it_begins_later_and_each_guild_has_its_own_time(database_url: str, tmp_path: Path) -> None:
    world = small_world(20)
    clock = Clock()
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle(2)
        sim.change.post(TEXT, NEW)
        await daemon.sees(lambda: NEW in values_of(database_url, messages.c.content))
    db = await open_database(database_url, hash_choice=SHA)
    try:
        for_ever = ContentRetention(db, 30, clock, {f"discord-{GUILD}": 0})
        for_a_month = ContentRetention(db, 0, clock, {f"discord-{GUILD}": 30})
        off = ContentRetention(db, 0, clock)
        assert (for_ever.is_on, for_a_month.is_on, off.is_on) == (True, True, False)
        for step in (off, for_ever, for_a_month):
            clock.ahead = timedelta()
            await step.keep()
            assert "message 3" in values_of(database_url, messages.c.content)
            clock.ahead = timedelta(hours=1.5)
            await step.keep()
            assert ("message 3" in values_of(database_url, messages.c.content)) == (step is not for_a_month)
        assert NEW in values_of(database_url, messages.c.content)
        assert database_url.startswith("postgres") or "message 3" not in everything_in(tmp_path)
        order = ExportOrder(
            selection=ExportSelection(tenant_id=f"discord-{GUILD}"), format=ExportFormat.CSV, split=Split.NONE
        )
        await FolderExport(db=db, order=order, path=tmp_path / "out").run()
        written = everything_in(tmp_path / "out")
        assert written.count('""content_removed"":true') == values_of(database_url, messages.c.content).count("")
        assert '"content_removed_before": "' in written
    finally:
        await db.close()
