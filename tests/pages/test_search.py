"""The page of a search: what was found, in which place, why not, and that what people wrote stays text."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from adapters.discord.simulator import Simulator, uniform_world
from adapters.records import AuthorKind, ChannelType
from bot.api import HitView
from bot.api.search_responses import Highlight, Place
from bot.pages.excerpts import Piece, excerpt_of
from tests.support.browser import NARROW, barriers, chromium, overflows, window
from tests.support.builders import NOW
from tests.support.daemon import running_daemon
from tests.support.hostile import hostile_messages
from tests.support.talk import archive_talk

PATH = "/tenants/discord-100/search"
REFUSED = "status of 400"


@pytest.mark.slow
@pytest.mark.usefixtures("restored_addresses")
async def test_a_search_in_a_browser(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    await archive_talk(database, *hostile_messages())
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, database) as daemon,
        chromium() as browser,
        window(browser, daemon.url, complaints=(REFUSED,)) as page,
        window(browser, daemon.url, size=NARROW) as narrow,
    ):
        expect.set_options(timeout=30_000)
        await daemon.until(
            lambda: daemon.get(f"/api{PATH}?q=alert"), lambda found: found["index"]["ready"] and found["hits"]
        )
        await page.goto("/tenants/discord-100")
        box = page.get_by_role("combobox", name="Search the messages")
        await box.press_sequentially("alert in:ch")
        await expect(page.locator("#suggestions option").first).to_have_attribute("value", 'alert in:"channel 5"')
        await box.fill("alert")
        await page.keyboard.press("Enter")
        await expect(page.locator("mark").first).to_have_text("alert")
        await expect(page.get_by_role("main")).to_contain_text("<script>alert(1)</script>")
        assert not await barriers(page)
        place = page.get_by_role("link", name="in its place").first
        found_id = str(await place.get_attribute("href")).removeprefix("/tenants/discord-100/channels/5?at=")
        await place.click()
        await expect(page.locator(f"#m-{found_id}")).to_contain_text("alert(1)")
        for query, said in (
            ("", "What can be asked for"),
            ("from:bob", "must be a pseudonym"),
            ("nowhere-at-all", re.compile("no message holds|is not known at present")),  # the latter on a busy machine
            ('"<script>', "What can be asked for"),
        ):
            await page.goto(PATH)
            await page.get_by_role("combobox", name="Search for").fill(query)
            await page.get_by_role("combobox", name="Order").select_option("oldest")
            await page.get_by_role("button", name="Search").click()
            await expect(page.get_by_role("main")).to_contain_text(said)
            await expect(page.get_by_role("combobox", name="Search for")).to_have_value(query)
        await narrow.goto(f"{PATH}?q=alert")
        assert await overflows(narrow) <= 0


def hit(content: str, *places: tuple[int, int]) -> HitView:
    return HitView(
        id="1",
        platform_id="1",
        tenant_id="discord-100",
        channel=Place(platform_id="5", name="x", type=ChannelType.TEXT, parent_platform_id=None, parent_name=None),
        author=None,
        author_hash=None,
        author_kind=AuthorKind.USER,
        type="default",
        sent_at=NOW,
        edited_at=None,
        deleted_at=None,
        content=content,
        gone=None,
        highlights=[Highlight(start=start, length=length) for start, length in places],
        reply_to_channel_platform_id=None,
        reply_to_message_platform_id=None,
        files=0,
        reactions=0,
        link="/",
    )


def test_an_excerpt_is_cut_around_the_first_place_and_marks_each() -> None:
    short = excerpt_of(hit("one two three", (4, 3), (0, 3), (1, 2)))
    assert short.pieces == [Piece("one", True), Piece(" "), Piece("two", True), Piece(" three")]
    assert (short.is_cut_before, short.is_cut_behind) == (False, False)
    long = excerpt_of(hit("a" * 1_000 + "found" + "b" * 1_000, (1_000, 5), (1_900, 3)))
    assert [piece.text for piece in long.pieces if piece.is_found] == ["found"]
    assert sum(len(piece.text) for piece in long.pieces) == 420
    assert (long.is_cut_before, long.is_cut_behind) == (True, True)
    assert excerpt_of(hit(f"<@{'ab' * 32}> said", (68, 4))).pieces[0] == Piece("@abababab ")
