"""A channel as a page: windows, links between messages, days, threads; and nothing on it that is more than text."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import aiohttp
import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import running_daemon
from tests.support.hostile import EXPIRED, FIRST, LASTING, hostile_messages
from tests.support.talk import ANN, BOB, DAY, MORNING, archive_talk

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

ROOM = "/tenants/discord-100/channels/5"


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.pictures: list[str] = []
        self.colours: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.addresses += [values[name] for name in ("href", "src", "action") if name in values]
        self.colours += [values["fill"]] if tag == "rect" else []
        self.pictures += [values["src"]] if tag == "img" else []
        self.handlers += [name for name in values if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    @property
    def shown(self) -> list[str]:
        """The messages in their order."""
        return [each.removeprefix("m-") for each in self.ids if re.fullmatch("m-[0-9]+", each)]

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    await archive_talk(database_url, *hostile_messages())
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, database_url, PLATFORM_SYNC_PAGES__LOAD_MEDIA=str(loads_media(database_url))) as daemon,
        aiohttp.ClientSession(daemon.url, headers={"Accept": "text/html"}) as session,
    ):
        yield session


def loads_media(database_url: str) -> bool:
    """One of the two is enough, and a daemon more is dear."""
    return database_url.startswith("postgresql")


async def opened(session: aiohttp.ClientSession, path: str, status: int = 200) -> Elements:
    async with session.get(path) as answer:
        page = await answer.text()
        assert answer.status == status, page
        if status == 200:
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
    found = Elements(page)
    assert len(found.ids) == len(set(found.ids))
    assert not found.tags & {"style", "iframe", "object"}, found.tags
    assert not found.handlers
    assert all(re.match("https?://|/|#|[?]", address) for address in found.addresses), found.addresses
    assert ANN not in page
    assert BOB not in page
    return found


async def test_a_channel_as_a_page(session: aiohttp.ClientSession, database_url: str) -> None:
    newest = await opened(session, ROOM)
    emoji = [f"https://cdn.discordapp.com/emojis/{name}" for name in ("8.png", "77.gif", "66.png")]
    pictures = ["/api/tenants/discord-100/attachments/700", *emoji] if loads_media(database_url) else []
    assert newest.pictures == pictures
    assert (":dance: 4" in newest.text, ":smile:" in newest.text) == (not loads_media(database_url),) * 2
    assert newest.colours == ["#ff8800"] * 2
    assert newest.shown[-1] == str(FIRST + 8)
    assert "the newest one" in newest.text
    assert newest.text.count("<script>alert(1)</script>") > 30
    assert f"{ROOM}?before=" not in " ".join(newest.addresses)
    for words in (
        "aaaaaaaa : message 96",
        "the original is not archived",
        "3 answers: ",
        "What it said was erased",
        "edited 2026-11-23",
        "✕ deleted on the platform, known since 2026-11-23 10:00 UTC message 97",
        "👍 3",
        "🎉 5 super",
        "cat.png 12.1 KiB · image/png",
        "3 votes",
        "Thread: channel 100",
        "Sticker without a name",
        "old.png 1 byte · image/png · the link to it has expired",
        "Forwarded from where nothing is archived",
        "the channel has not been read to its end yet",
        "Monday, 23 November 2026",
    ):
        assert words in newest.text, (words, newest.text)
    assert "/api/tenants/discord-100/attachments/700" in newest.addresses
    assert [address for address in newest.addresses if address in (EXPIRED, LASTING)] == [LASTING]
    assert "/tenants/discord-100/channels/100?at=150#m-150" in newest.addresses

    first = await opened(session, f"{ROOM}?first=true")
    assert first.shown[0] == "95"
    at = await opened(session, f"{ROOM}?at=98")
    assert "98" in at.shown
    assert "#m-96" in at.addresses
    assert "Message 97000 is not archived" in (await opened(session, f"{ROOM}?at=97000")).text
    later = await opened(session, f"{ROOM}?day=2026-11-24")
    assert later.shown[0] == str(DAY + 1)
    assert f"{ROOM}?before={DAY + 1}#end" in later.addresses
    assert f"{ROOM}?day={MORNING}" in later.addresses
    empty = await opened(session, f"{ROOM}?month=2026-10&at=98")
    assert "October 2026" in empty.text
    beside = await opened(session, f"{ROOM}?beside=100")
    assert [each for each in beside.ids if each.startswith("b-1")] == ["b-150", "b-151"]
    thread = await opened(session, "/tenants/discord-100/channels/100")
    assert (thread.shown, "/tenants/discord-100/channels/5" in thread.addresses) == (["150", "151"], True)
    wrong = {"?at=1&before=2": 400, "?at=x": 400, "7": 404, "?beside=7": 404}
    for rest, status in wrong.items():
        await opened(session, f"{ROOM}{rest}", status)
    for path in ("/?cursor=%00", "/?cursor=discord", "/events?tenant=%00", "/events?tenant=7"):
        await opened(session, path, 400)

    fresh = await opened(session, f"{ROOM}/tail?after={FIRST + 6}")
    assert fresh.shown == [str(FIRST + 7), str(FIRST + 8)]
    assert "#m-96" in (await opened(session, f"{ROOM}/tail?after=97&from=95")).addresses
    async with session.get(f"{ROOM}/tail?after={FIRST + 8}") as answer:
        assert answer.status == 204
