"""The description's page in a real browser: a call is tried out with its examples, and without script it is read."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.browser import chromium, window
from tests.support.daemon import running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TOKEN = "a-secret-of-a-test"
EXPECTED = ("status of 401", "status of 404", "Password field is not contained")


async def test_a_call_is_tried_out(tmp_path: Path) -> None:
    expect.set_options(timeout=30_000)
    world = uniform_world(1, 5)
    tenant = f"discord-{guild_of(world)}"
    async with (
        Simulator(world) as sim,
        running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db", PLATFORM_SYNC_API_TOKEN=TOKEN) as daemon,
        chromium() as browser,
        window(browser, daemon.url, complaints=EXPECTED) as page,
        window(browser, daemon.url, script=False) as plain,
    ):
        await page.goto("/docs")

        async def tried(method: str, path: str, said: str) -> None:
            form = page.locator(f'form[data-method="{method}"][data-path="{path}"]')
            await form.get_by_role("button", name="Try it").click()
            await expect(form.locator("output")).to_contain_text(said)

        await tried("GET", "/api/tenants", "401")
        await page.get_by_label("Token for trying calls out").fill(TOKEN)
        await tried("GET", "/api/tenants", tenant)
        await tried("GET", "/api/tenants/{tenantId}", "there is no tenant discord-1098765432109876543")
        export = page.locator('form[data-path="/api/tenants/{tenantId}/export"]')
        await export.get_by_label("tenantId").fill(tenant)
        await tried("GET", "/api/tenants/{tenantId}/export", "a file")
        page.on("dialog", lambda dialog: dialog.dismiss())
        await page.locator('form[data-method="DELETE"][data-path="/api/tenants/{tenantId}"] button').click()
        await plain.goto("/docs")
        await expect(plain.get_by_role("button", name="Try it")).to_have_count(0)
        await expect(plain.locator("h1")).to_contain_text("Platform Sync")
