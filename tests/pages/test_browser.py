"""The pages in a real browser: logging in, a sync that moves by itself, its buttons; narrow, dark, for everybody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error, Page, expect

from adapters.discord.simulator import Simulator, rich_world, uniform_world
from tests.support.browser import NARROW, barriers, chromium, overflows, window
from tests.support.daemon import ONLY_MESSAGES, archiving, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TOKEN = "a-secret-of-a-test"
REFUSED = "status of 401"  # what the browser's console says of each refusal
PATIENCE_MS = 30_000  # the machine may be busy


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of the test's own: its loop is the test's."""
    expect.set_options(timeout=PATIENCE_MS)
    async with chromium() as browser:
        yield browser


async def test_logging_in_and_what_nothing_says_at_first(browser: Browser, tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    empty = uniform_world(1, 1)
    empty.guilds.clear()
    async with (
        Simulator(empty) as sim,
        running_daemon(sim, database, PLATFORM_SYNC_API_TOKEN=TOKEN) as daemon,
    ):
        async with window(browser, daemon.url, complaints=(REFUSED,)) as page:
            with pytest.raises(Error, match="INVALID_AUTH_CREDENTIALS"):  # here people are asked
                await page.goto("/")
        async with window(browser, daemon.url, token="wrong", complaints=(REFUSED,)) as page:
            answer = await page.goto("/")
            assert answer
            assert answer.status == 401
            await expect(page.get_by_role("main")).to_contain_text("PLATFORM_SYNC_API_TOKEN")
            assert not await barriers(page)
        async with window(browser, daemon.url, token=TOKEN) as page:
            await page.goto("/")
            await expect(page.get_by_role("main")).to_contain_text("Nothing is archived yet")
            await expect(page.get_by_role("link", name="its invite link")).to_be_visible()
            assert not await barriers(page)


async def test_a_sync_moves_by_itself_and_obeys_the_buttons(browser: Browser, tmp_path: Path) -> None:
    database, pace = f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"requests_per_second": 10.0}
    async with (
        Simulator(uniform_world(6, 3_000)) as sim,
        running_daemon(sim, database, ONLY_MESSAGES, pace=pace) as daemon,
        window(browser, daemon.url) as page,
        window(browser, daemon.url, script=False) as plain,
    ):
        await daemon.until(lambda: daemon.get("/api/queue"), lambda queue: queue["running"])
        await page.goto("/")
        bar = page.get_by_role("progressbar")

        async def value() -> float:
            return float(await bar.get_attribute("value") or 0)

        was = await value()
        assert await daemon.until(value, lambda now: now > was) > was
        await plain.goto("/")
        await expect(plain.get_by_role("progressbar")).to_be_visible()
        await page.get_by_role("button", name="Cancel the sync").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("ends at its next safe point")
        await expect(page.locator("#jobs")).to_contain_text("Nothing runs")
        await expect(page.locator("#ended")).to_contain_text("cancelled")
        assert "done=" not in page.url
        await plain.goto("/")
        await plain.get_by_role("button", name="Sync ").click()
        await expect(plain.get_by_role("status")).to_contain_text("A sync is queued")
        await expect(page.locator("#jobs")).to_contain_text("requested sync")
        await page.get_by_role("link", name="Guild").first.click()
        await page.get_by_role("button", name="Audit ").click()
        await expect(page.get_by_role("status")).to_contain_text("The audit is noted")


async def test_a_tenant_for_everybody(browser: Browser, tmp_path: Path) -> None:
    world = rich_world()
    guild = next(iter(world.guilds.values()))
    async with archiving(world, f"sqlite+aiosqlite:///{tmp_path}/archive.db", ONLY_MESSAGES) as (_, daemon):
        path = f"/tenants/discord-{guild.id}"
        async with window(browser, daemon.url) as page, window(browser, daemon.url, scheme="dark") as dark:
            for shown, address in ((dark, "/"), (dark, f"{path}/activity"), (page, f"/api{path}"), (page, path)):
                await shown.goto(address)
                assert not await barriers(shown), address
        async with window(browser, daemon.url, size=NARROW, complaints=("status of 404",)) as page:
            for address in ("/", path, "/api/tenants", "/nowhere"):
                await page.goto(address)
                assert await overflows(page) <= 0, address
        async with window(browser, daemon.url) as page:
            await goes_to_the_content_by_keyboard(page, path)
            text = await page.content()
            for chart in await page.get_by_role("img").all():
                await chart.scroll_into_view_if_needed()
                await expect(chart).to_have_js_property("complete", value=True)
                assert await chart.evaluate("picture => picture.naturalWidth")
        assert "Garden of" in text
        assert "zq" not in text.casefold(), "every name of a person in this world has it"


async def goes_to_the_content_by_keyboard(page: Page, path: str) -> None:
    """The first press of Tab leads to a link past what every page begins with."""
    await page.goto(path)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
