"""Reading in a real browser: both ways, by day, beside a thread; new messages appear by themselves."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import NARROW, barriers, chromium, overflows, window
from tests.support.daemon import ONLY_MESSAGES, archiving
from tests.support.hostile import SCRIPT
from tests.support.small_world import GUILD, MESSAGES, TEXT, WRITER, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

ROOM = f"/tenants/discord-{GUILD}/channels/{TEXT}"
PATIENCE_MS = 30_000  # the machine may be busy


async def test_a_channel_is_read_like_a_chat(tmp_path: Path) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with (
        archiving(small_world(), url, ONLY_MESSAGES) as (sim, daemon),
        chromium() as browser,
        window(browser, daemon.url) as page,
        window(browser, daemon.url, script=False, scheme="dark", size=NARROW) as plain,
    ):
        await page.goto(ROOM)
        await expect(page.locator(f"#m-{MESSAGES[249]}")).to_be_in_viewport()
        answer = sim.change.post(TEXT, "by itself", WRITER.id, reply_to=MESSAGES[3])
        await expect(page.locator(f"#m-{answer['id']}")).to_contain_text("by itself")
        sim.change.edit(TEXT, int(answer["id"]), "by itself, and better")
        await expect(page.locator(f"#m-{answer['id']}")).to_contain_text("and better")
        await page.locator(f"#m-{answer['id']} .reply a").click()
        await expect(page.locator(f"#m-{MESSAGES[3]}")).to_be_in_viewport()
        await page.locator(f"#m-{MESSAGES[3]} .answers a").click()
        await expect(page.locator(f"#m-{answer['id']}")).to_be_in_viewport()
        hostile = sim.change.post(TEXT, f"{SCRIPT} [a](javascript:alert(1)) ||{SCRIPT}||", WRITER.id)
        await page.goto(ROOM)
        await expect(page.locator(f"#m-{hostile['id']} .text")).to_contain_text("<script>alert(1)</script>")
        await both_ways(page)
        await plain.goto(f"{ROOM}?at={MESSAGES[100]}")
        await expect(plain.locator(f"#m-{MESSAGES[100]}")).to_be_in_viewport()
        await plain.get_by_role("link", name="beside this channel").first.click()
        await expect(plain.locator("section.beside")).to_be_visible()
        await plain.locator("details summary").click()
        assert await overflows(plain) <= 0
        assert not await barriers(page)
        await plain.locator(".calendar a").first.click()
        await expect(plain.locator(".message").first).to_contain_text("message 0")


async def both_ways(page: Page) -> None:
    """From the first message on and back, window by window."""
    await page.get_by_role("link", name="First message").click()
    shown = page.locator("#messages .message")
    for way, firsts in (("Newer messages", ("message 50", "pinned")), ("Older messages", ("message 50", "message 0"))):
        for first in firsts:
            await page.get_by_role("link", name=way).click()
            await expect(shown.first).to_contain_text(first)
