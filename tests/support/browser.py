"""A real browser, the distribution's Chromium, in which pages are looked at as people do."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

NARROW = ViewportSize(width=360, height=740)
WIDE = ViewportSize(width=1100, height=900)
_INSTALL = "Chromium is missing, which the tests of the pages need; install it: sudo apt-get install -y chromium"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser until the block ends."""
    path = shutil.which("chromium")
    assert path, _INSTALL
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser,
    url: str,
    *,
    token: str | None = None,
    scheme: Literal["light", "dark"] = "light",
    size: ViewportSize = WIDE,
    script: bool = True,
    complaints: tuple[str, ...] = (),
) -> AsyncIterator[Page]:
    """Open a window of its own, which knows the log-in if one is given.

    Whatever the browser complains of in its console fails the test, a breach of the Content-Security-Policy too;
    ``complaints`` are expected ones.
    """
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(known in message.text for known in complaints):
            said.append(message.text)

    more: dict[str, Any] = {"http_credentials": {"username": "me", "password": token}} if token else {}
    context = await browser.new_context(
        base_url=url, color_scheme=scheme, viewport=size, java_script_enabled=script, **more
    )
    page = await context.new_page()
    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
    finally:
        await context.close()
    assert not said, said


async def barriers(page: Page, *, may_fetch: bool = True) -> list[str]:
    """List what hinders people who cannot see, or use no mouse, as axe-core finds it.

    It fetches the style sheet, too, unless the page forbids that; what is in order is not told node by node.
    """
    await page.wait_for_load_state("load")  # a page without its style sheet is hard to read
    found = (await Axe().run(page, options={"preload": may_fetch, "resultTypes": ["violations"]})).response
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


async def overflows(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
