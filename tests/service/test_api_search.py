"""Searching over HTTP: hits with their places, clear refusals, and nothing that the query language lets through."""

from urllib.parse import quote

import pytest

from adapters.discord.simulator import Simulator
from adapters.privacy import UserHasher
from tests.support.daemon import Daemon, running_daemon
from tests.support.patience import explained
from tests.support.small_world import FANS, FORUM, GUILD, HIDDEN, READER, TEXT, WRITER, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

SEARCH = f"/api/tenants/discord-{GUILD}/search"
NASTY = [
    *(
        '"',
        '""',
        '"a',
        'a"b',
        "'",
        "a'; DROP TABLE messages; --",
        "AND",
        "a AND",
        "NOT",
        "NEAR(a b, 2)",
        "a OR",
        "(",
        ")",
    ),
    *(
        "a:b",
        "content:a",
        "^a",
        "a*b",
        "**",
        '"*"',
        "-*",
        "{a}",
        "a + b",
        "&",
        "a & !b | c",
        "<->",
        ":*",
        "\\",
        "%",
        "_",
    ),
    *("\0", "a\0b", "🔥", "e\u0301", "\u202ea", "日本語", "ﷺ", "𝔘𝔫𝔦", "-a", "-🔥", '-"a b" -c*', "é" * 400, "x" * 499),
    *("a b " * 15, "message_search", "rank:1", "in:\0", "reaction:%", "type:'", 'thread:"', "mentions:" + "0" * 64),
]
REFUSED = {
    "q=" + "x" * 501: "q: must",
    "q=from:bob": "must be a pseudonym",
    "q=in:%23nowhere": 'in: no channel "nowhere" is known',
    "q=before:soon": "must be a year, month, day or time",
    "q=a*": "give at least 2 letters",
    "order=best": "order",
    "limit=0": "limit",
    "cursor=1": "cursor: must be the next_cursor of the page before",
    "page=2": "page",
}


async def searchable(daemon: Daemon) -> None:
    """Wait until all is archived and indexed."""
    await daemon.idle(2)
    await daemon.until(lambda: daemon.get(SEARCH), lambda found: found["index"]["ready"])


async def test_a_search(database_url: str) -> None:
    async with Simulator(small_world()) as sim, running_daemon(sim, database_url) as daemon:
        await searchable(daemon)
        await check_hits(daemon)
        await check_nothing(daemon)
        await check_suggestions(daemon)
        for query in (f"{one} {other}" for one, other in zip(NASTY[::2], NASTY[1::2], strict=False)):
            status, answer = await daemon.ask("GET", f"{SEARCH}?q={quote(query)}")
            assert status in (200, 400), (query, answer)
        for wrong, said in REFUSED.items():
            status, problem = await daemon.ask("GET", f"{SEARCH}?{wrong}")
            assert (status, problem["code"]) == (400, "invalid_query"), (wrong, problem)
            assert said in problem["detail"]
        sim.change.post(TEXT, "a brandnewword just now")
        await daemon.until(lambda: daemon.get(f"{SEARCH}?q=brandnewword"), lambda found: found["hits"])


async def check_hits(daemon: Daemon) -> None:
    first = await daemon.get(f"{SEARCH}?limit=3")
    hit = first["hits"][0]
    writer = UserHasher(None).of(str(WRITER.id))
    assert (len(first["hits"]), first["complete"], first["notices"]) == (3, True, [])
    assert hit["link"] == f"/tenants/discord-{GUILD}/channels/{hit['channel']['platform_id']}?at={hit['platform_id']}"
    second = await daemon.get(f"{SEARCH}?limit=3&cursor={first['next_cursor']}")
    assert second["hits"][0]["sent_at"] <= first["hits"][-1]["sent_at"]
    word = next(word for h in first["hits"] for word in h["content"].split() if word.isalpha())
    for order in ("newest", "oldest", "relevance"):
        found = await daemon.get(f"{SEARCH}?q={quote(word)}&order={order}")
        assert found["order"] == order
        for each in found["hits"]:
            assert all(
                each["content"][h["start"] : h["start"] + h["length"]].lower() == word.lower()
                for h in each["highlights"]
            )
    too_many = await daemon.get(f"{SEARCH}?cursor=r.1.1")  # of all messages, which nothing compares
    assert (too_many["hits"], too_many["complete"], too_many["next_cursor"]) == ([], False, None)
    assert "search for more words, or by time" in too_many["notices"][0]
    theirs = await daemon.get(f"{SEARCH}?q=from:{writer[:8]}")
    assert {each["author"] for each in theirs["hits"]} == {writer[:8]}
    assert not [user.username for user in (WRITER, READER, *FANS) if user.username in str((first, second, theirs))]


async def check_nothing(daemon: Daemon) -> None:
    found = await explained(lambda: daemon.get(f"{SEARCH}?q=neverwritten%20in:{FORUM}"))
    assert (found["hits"], found["nothing"]["absent_words"]) == ([], ["neverwritten"])
    assert str(HIDDEN) in [channel["platform_id"] for channel in found["nothing"]["unread_channels"]]
    assert 'no message holds "neverwritten"' in found["nothing"]["detail"]
    meant = (await explained(lambda: daemon.get(f"{SEARCH}?q=befor:2024 http://neverwritten")))["nothing"]["detail"]
    assert "befor: is no filter, and was searched for as a word; before: is one" in meant
    assert "http: is no filter" not in meant


async def check_suggestions(daemon: Daemon) -> None:
    writer = UserHasher(None).of(str(WRITER.id))
    expected = {
        "word fr": ["word from:"],
        "-in:t": ["-in:talk"],
        "in:%23TA": ["in:talk"],
        "thread:thread": [f'thread:"thread {n}"' for n in range(5)],
        'thread:"thread 1': ['thread:"thread 1"'],
        f"from:{writer[:3]}": [f"from:{writer[:8]}"],
        "x has:st": ["x has:sticker"],
        "in:%25": [],
        "nothing:": [],
        "%00%22": [],
    }
    for typed, texts in expected.items():
        found = await daemon.get(f"{SEARCH}/suggestions?q={typed.replace(' ', '%20')}")
        assert [each["text"] for each in found["suggestions"]] == texts, typed
    assert len((await daemon.get(f"{SEARCH}/suggestions"))["suggestions"]) > 5


async def test_switched_off(tmp_path: object) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with (
        Simulator(small_world(5)) as sim,
        running_daemon(sim, url, PLATFORM_SYNC_SEARCH__ENABLED="false") as daemon,
    ):
        await daemon.idle(2)
        status, problem = await daemon.ask("GET", f"{SEARCH}?q=word")
        assert (status, problem["code"]) == (409, "search_disabled")
        assert len((await daemon.get(SEARCH))["hits"]) > 0
