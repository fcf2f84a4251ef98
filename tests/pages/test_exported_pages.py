"""An export as pages: walked through in a real browser without a server, and gone on with wherever it was cut off."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.export import ExportFormat, ExportOrder, ExportProgress, Split
from bot.html_export import HtmlExport, verify_folder
from storage.channels import channel_states
from storage.database import Database, open_database
from storage.export import ExportSelection
from storage.jobs import JobLease
from storage.messages import mark_deleted
from storage.tenants import get_tenant
from tests.support.browser import NARROW, barriers, chromium, overflows, window
from tests.support.builders import GUILD, NOW, SHA, message
from tests.support.expiring import trusted
from tests.support.exported_pages import all_can_be_reached, all_links_lead_somewhere, messages_shown, read_pages
from tests.support.hostile import FIRST, hostile_messages
from tests.support.job_steps import running_job
from tests.support.repair_steps import Way
from tests.support.tables_of import run_sql
from tests.support.talk import ANN, DAY, NUMBERS, archive_talk

pytestmark = pytest.mark.slow

TENANT = f"discord-{GUILD.platform_id}"
PATIENCE_MS = 30_000  # the machine may be busy
SIZE = 4
TALK = {("5", str(number)) for number in NUMBERS} | {("100", "150"), ("100", "151")}
DELETED = {("5", "97"), ("5", "99")}


def export(db: Database, path: Path, **chosen: object) -> HtmlExport:
    selection = ExportSelection(tenant_id=TENANT, **chosen)  # type: ignore[arg-type] # by name
    order = ExportOrder(selection=selection, format=ExportFormat.HTML, split=Split.CHANNEL)
    return HtmlExport(db=db, order=order, path=path, page_size=SIZE)


async def test_a_folder_is_read_without_a_server(tmp_path: Path) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    await archive_talk(url, *hostile_messages())
    db = await open_database(url, hash_choice=SHA)
    await export(db, tmp_path / "pages", include_deleted=True).run()
    await db.close()
    asked: list[str] = []
    async with chromium() as browser, window(browser, "file:///", size=NARROW, scheme="dark") as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"file://{tmp_path}/pages/index.html")
        await expect(page.locator("main")).to_contain_text("are among them, marked")
        await is_open_to_all(page)
        await page.get_by_role("link", name="channel 5").click()
        for way, first in (("Newer", "99"), ("Newer", "103"), ("Older", "99"), ("First", "95"), ("Newest", None)):
            await page.get_by_role("link", name=f"{way} messages").first.click()
            if first:
                await expect(page.locator(".message").first).to_have_attribute("data-id", first)
        await expect(page.locator(".message").last).to_contain_text("the newest one :smile:")
        await is_open_to_all(page)
        await to_and_fro(page)
        await page.get_by_role("link", name="channel 5").first.click()
        await page.get_by_role("link", name="Days").first.click()
        await is_open_to_all(page)
        await page.get_by_role("link", name="2026-11-24").click()
        await expect(page.locator("#m-day-2026-11-24")).to_be_in_viewport()
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    assert {re.match("[a-z]+:", address)[0] for address in asked} == {"file:"}  # type: ignore[index] # each has one
    pages = read_pages(tmp_path / "pages")
    shown = messages_shown(pages)
    assert shown.keys() == TALK | {("5", record.platform_id) for record in hostile_messages()}
    assert "<script>alert(1)</script>" in shown["5", str(FIRST)].texts[0]
    assert all_links_lead_somewhere(pages) > 50


async def is_open_to_all(page: Page) -> None:
    assert not await barriers(page, may_fetch=False)
    assert await overflows(page) <= 0


async def to_and_fro(page: Page) -> None:
    """From a thread to the message that is answered there, and back; from its message to the thread, and back."""
    await page.get_by_role("link", name="Threads").first.click()
    await is_open_to_all(page)
    await page.get_by_role("link", name="channel 100").click()
    await page.locator("#m-150 .reply a").click()
    await expect(page.locator("#m-96")).to_be_in_viewport()
    await page.locator("#m-96 .answers a").last.click()
    await expect(page.locator("#m-150")).to_be_in_viewport()
    await page.get_by_role("link", name="The message on which this thread began").click()
    await expect(page.locator("#m-100")).to_be_in_viewport()
    await page.locator("#m-100 .answers a", has_text="channel 100").click()
    await expect(page.locator("h1")).to_have_text("channel 100")


async def test_each_message_is_on_one_page_whatever_was_interrupted(database_url: str, tmp_path: Path) -> None:
    await archive_talk(database_url)
    db = await open_database(database_url, hash_choice=SHA)
    whole = await export(db, tmp_path / "whole").run()
    for number in range(1, whole.files, whole.files // 3):
        path = tmp_path / str(number)
        kept = await interrupted(db, path, after=number)
        done = await export(db, path).run()
        assert kept == {file: file.stat().st_mtime_ns for file in kept}
        assert done.kept == len(kept)
        assert messages_shown(read_pages(path)).keys() == TALK - DELETED
        assert verify_folder(path) == whole.messages == len(TALK) - len(DELETED)
    for name, chosen, left in (
        ("ann", {"author": ANN[:8]}, {key for key in TALK - DELETED if key[0] == "100" or int(key[1]) % 2 == 0}),
        ("thread", {"channels": ("100",)}, {key for key in TALK if key[0] == "100"}),
        ("day", {"since": message(DAY).sent_at}, {("5", str(DAY + number)) for number in (1, 2, 3)}),
        ("none", {"author": "0" * 64}, set()),
    ):
        await export(db, tmp_path / name, **chosen).run()
        pages = read_pages(tmp_path / name)
        assert messages_shown(pages).keys() == left, name
        assert all_links_lead_somewhere(pages)
    await what_came_meanwhile(db, tmp_path / "late")
    await what_is_lost(db, tmp_path / "lost")
    await db.close()


async def interrupted(db: Database, path: Path, *, after: int) -> dict[Path, int]:
    """Begin an export, and end it when so many files are there; return the pages that are, with their times."""

    def stop(progress: ExportProgress) -> None:
        if progress.files == after:
            raise KeyboardInterrupt

    attempt = export(db, path)
    attempt.on_progress = stop
    with pytest.raises(KeyboardInterrupt):
        await attempt.run()
    return written(path)


def written(path: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in path.glob("*/[0-9]*.html")}


async def what_came_meanwhile(db: Database, path: Path) -> None:
    """Older messages that came between two attempts are cut into pages, too; of those that are kept none is doubled."""
    kept = await interrupted(db, path, after=3)
    tenant = await get_tenant(db, TENANT)
    assert tenant is not None
    lease: JobLease = await running_job(db, TENANT)
    general = next(one for one in await channel_states(db, TENANT) if one.platform_id == "5")
    late = [message(number, content="late") for number in (1, *range(200, 230))]
    await Way(db, tenant, general, lease).store(*late)
    await mark_deleted(db, general.id, [str(DAY + 1), "103"], job=lease, now=NOW)
    await export(db, path).run()
    pages = read_pages(path)
    shown = messages_shown(pages)
    assert kept.keys() <= pages.keys()
    assert max(len(page.messages) for page in pages.values()) == 2 * SIZE
    there = TALK - DELETED - {("5", "103"), ("5", str(DAY + 1))} | {("5", str(number)) for number in range(200, 230)}
    assert there <= shown.keys()
    verify_folder(path)


async def what_is_lost(db: Database, path: Path) -> None:
    """A thread whose channel is not known can be reached; up to when no content is kept is said."""
    await run_sql(db, "UPDATE channels SET parent_id = NULL WHERE platform_id = '100'")
    await trusted(db, TENANT, days=3_000)
    await export(db, path).run()
    pages = read_pages(path)
    all_can_be_reached(pages, path / "index.html")
    assert 'content_removed_before": "2018-' in (path / "_export.json").read_text()
    assert "what messages said that were sent before" in (path / "index.html").read_text()
