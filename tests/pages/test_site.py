"""Who is let in to the pages, what they are forbidden to load, and what a browser gets where a program gets JSON."""

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import ONLY_MESSAGES, archiving, running_daemon
from tests.support.hostile import SCRIPT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TOKEN = "a-secret-of-a-test"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def basic(password: str) -> dict[str, str]:
    """Return the header that a browser sends after it has asked its user."""
    return {"Authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a daemon with a token."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, url, PLATFORM_SYNC_API_TOKEN=TOKEN) as daemon,
        aiohttp.ClientSession(daemon.url) as session,
    ):
        yield session


async def test_a_browser_logs_in_with_the_token_and_a_program_as_before(session: aiohttp.ClientSession) -> None:
    for headers, status, asks in (
        (BROWSER, 401, 'Basic realm="Platform Sync", charset="UTF-8"'),
        ({}, 401, "Bearer"),
        (BROWSER | basic("wrong"), 401, 'Basic realm="Platform Sync", charset="UTF-8"'),
        (BROWSER | {"Authorization": "Basic %%%"}, 401, 'Basic realm="Platform Sync", charset="UTF-8"'),
        (BROWSER | basic(TOKEN), 200, None),
        ({"Authorization": f"Bearer {TOKEN}"}, 200, None),
    ):
        for path in ("/", "/api/tenants"):
            async with session.get(path, headers=headers) as answer:
                assert (answer.status, answer.headers.get("WWW-Authenticate")) == (status, asks), headers
    async with session.get("/", headers=BROWSER) as answer:
        assert "PLATFORM_SYNC_API_TOKEN" in await answer.text()


async def test_a_browser_gets_a_page_and_a_program_gets_json(session: aiohttp.ClientSession) -> None:
    browser = BROWSER | basic(TOKEN)
    for path, status, said in (
        ("/api/tenants?limit=1", 200, "Programs get this as JSON"),
        ("/api/tenants/discord-7", 404, "there is no tenant discord-7"),
        ("/api/tenants?limit=no", 400, "limit"),
        ("/nowhere/%3Cscript%3E", 404, "&lt;script&gt;"),
    ):
        async with session.get(path, headers=browser) as answer:
            assert (answer.status, answer.content_type) == (status, "text/html"), path
            assert said in await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "), path
            assert "unsafe" not in policy
        async with session.get(path, headers=basic(TOKEN)) as answer:
            assert (answer.status, answer.content_type.endswith("json")) == (status, True), path
    async with session.get("/openapi.json", headers=browser) as answer:
        assert answer.content_type == "application/json"


async def test_the_pages_files_need_no_token_and_can_be_kept(session: aiohttp.ClientSession) -> None:
    async with session.get("/", headers=BROWSER) as answer:
        page = await answer.text()
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(paths) == 3
    for path in (*paths, "/favicon.ico"):
        async with session.get(path) as answer:
            assert (answer.status, "max-age" in answer.headers["Cache-Control"]) == (200, True), path
    assert not re.search(r'(?:href|src)="(?!/|#)', page), "something is loaded from elsewhere"


async def test_changes_asked_for_by_other_pages_are_refused(session: aiohttp.ClientSession) -> None:
    own, port = str(session._base_url).rstrip("/"), session._base_url.port if session._base_url else 0
    for headers, status in (
        ({}, 404),
        ({"Origin": own}, 404),
        ({"Origin": f"http://127.0.0.1:{port + 1 if port else 1}"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": own}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": own}, 404),
    ):
        async with session.post("/api/tenants/discord-7/sync", headers=headers | basic(TOKEN)) as answer:
            assert answer.status == status, headers
    cross = BROWSER | {"Sec-Fetch-Site": "cross-site"}
    async with session.get("/?a=1", headers=cross) as answer:
        assert (answer.status, 'href="/?a=1"' in await answer.text()) == (403, True)
    for elsewhere in ("//evil.example/x", "/\\evil.example"):
        async with session.get(URL(f"{own}{elsewhere}", encoded=True), headers=cross) as answer:
            page = await answer.text()
            assert answer.status == 403
            assert not re.search(r'href="(?://|/?\\)', page), page


async def test_a_stream_of_events_says_how_far_a_sync_is_and_ends_with_the_daemon(tmp_path: Path) -> None:
    url, pace = f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"requests_per_second": 10.0}
    async with Simulator(uniform_world(2, 3_000)) as sim, aiohttp.ClientSession() as session:
        async with running_daemon(sim, url, pace=pace) as daemon:
            await daemon.until(lambda: daemon.get("/api/queue"), lambda queue: queue["running"])
            stream = await session.get(daemon.url + "/events")
            assert stream.content_type == "text/event-stream"
            said = [await stream.content.readuntil(b"\r\n\r\n") for _ in range(2)]
            assert all(event.startswith(b"event: jobs\r\n") and b"<progress" in event for event in said)
            assert said[0] != said[1]
        await stream.content.read()  # it ends as it should, and is not cut


async def test_whatever_a_community_and_its_channels_are_called_is_text(tmp_path: Path) -> None:
    world = uniform_world(2, 3)
    (guild,) = world.guilds.values()
    guild.name = f"{SCRIPT}{{{{ 7 * 7 }}}}"
    for channel in guild.channels.values():
        channel.name = f"{SCRIPT}\u202e"
    async with archiving(world, f"sqlite+aiosqlite:///{tmp_path}/archive.db", ONLY_MESSAGES) as (_, daemon):
        path = f"/tenants/discord-{guild.id}"
        async with aiohttp.ClientSession(daemon.url, headers=BROWSER) as session:
            for address in ("/", path, f"{path}/activity", f"/api{path}/channels", f"/api{path}"):
                async with session.get(address) as answer:
                    text = await answer.text()
                assert (answer.status, "alert(1)" in text, "7 * 7" in text or address.endswith("channels")) == (
                    200,
                    True,
                    True,
                )
                assert "<script>alert" not in text
                assert "<img src=x" not in text
            for name in ("days", "hours", "channels", "reactions"):
                async with session.get(f"{path}/activity/{name}.svg") as answer:
                    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
                    assert "<script" not in await answer.text()
            for address, status in ((f"{path}/activity?days=0", 400), (f"{path}/activity/other.svg", 404)):
                async with session.get(address) as answer:
                    assert (answer.status, answer.content_type) == (status, "text/html")
