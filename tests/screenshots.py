"""``./run screenshots``: pictures of the main pages, of the demo's community, made anew in docs/screenshots/."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize

from adapters.discord.simulator import DEMO_GUILD_ID, Limits, Simulator, demo_world
from tests.support.browser import NARROW, chromium, window
from tests.support.daemon import Daemon, running_daemon

FOLDER = Path(__file__).resolve().parents[1] / "docs/screenshots"
TENANT = f"/tenants/discord-{DEMO_GUILD_ID}"
_MOST_BYTES = 150_000
_WIDE = ViewportSize(width=1000, height=760)


@dataclass(frozen=True, slots=True)
class Screen:
    """A page, and how it is looked at; ``path`` may name channels, and ``part`` is scrolled to the top."""

    name: str
    path: str
    is_narrow: bool = False
    scheme: Literal["light", "dark"] = "light"
    part: str | None = None


BUSY = [Screen("dashboard", "/")]
"""Taken while the first sync runs."""

SCREENS = [
    Screen("tenant", TENANT),
    Screen("channel", f"{TENANT}/channels/{{cooking}}"),
    Screen("search", f"{TENANT}/search?q=tomato"),
    Screen("channels", TENANT, part="#channels"),
    Screen("activity-dark", f"{TENANT}/activity", scheme="dark"),
    Screen("dashboard-narrow", "/", is_narrow=True),
]
"""Taken when everything is archived."""


async def main() -> None:
    """Archive the demo's community, and take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    world = demo_world(now=datetime.now(UTC), reacted_percent=2)
    limits = Limits(global_per_second=1_000, channel_messages=(1_000, 1.0), other_routes=(1_000, 1.0))
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite+aiosqlite:///{folder}/archive.db"
        async with (
            Simulator(world, limits=limits, latency_seconds=0.005) as sim,
            running_daemon(sim, database, pace={"requests_per_second": 100.0}) as daemon,
            chromium() as browser,
        ):
            await daemon.until(lambda: daemon.get("/api/queue"), _is_well_under_way)
            ids = {str(channel.name): channel.id for channel in world.guilds[DEMO_GUILD_ID].channels.values()}
            await _take(browser, daemon, BUSY, ids)
            await daemon.idle()
            await _take(browser, daemon, SCREENS, ids)


def _is_well_under_way(queue: dict[str, list[dict[str, dict[str, float | None]]]]) -> bool:
    return any((job["progress"]["fraction"] or 0) > 0.4 for job in queue["jobs"])


async def _take(browser: Browser, daemon: Daemon, screens: list[Screen], ids: dict[str, int]) -> None:
    for screen in screens:
        size = NARROW if screen.is_narrow else _WIDE
        async with window(browser, daemon.url, scheme=screen.scheme, size=size) as page:
            await page.goto(screen.path.format_map(ids))
            if screen.part:
                await page.locator(screen.part).evaluate("part => part.scrollIntoView()")
            for picture in await page.get_by_role("img").all():
                await picture.evaluate("picture => picture.loading = 'eager'")
                await picture.evaluate("picture => picture.decode()")
            file = FOLDER / f"{screen.name}.png"
            taken = len(await page.screenshot(path=file))
        sys.stdout.write(f"{file.relative_to(FOLDER.parents[1])}: {taken / 1_000:.0f} kB\n")
        if taken > _MOST_BYTES:
            raise SystemExit(f"{file} is larger than {_MOST_BYTES / 1_000:.0f} kB: show less of the page")


if __name__ == "__main__":
    asyncio.run(main())
