"""The REST API: its pages and its refusals."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.ids import WORLD_NOW, iso
from tests.support.clients import Api
from tests.support.small_world import (
    BOT,
    CATEGORY,
    CLOSED_VOICE,
    FANS,
    FORUM,
    GUILD,
    HIDDEN,
    MESSAGES,
    NO_HISTORY,
    NOWHERE,
    OTHER_GUILD,
    QUIET,
    READER,
    TEXT,
    THREADS,
    VOICE,
)

ROOT = Path(__file__).resolve().parents[2]
PATH = f"/channels/{TEXT}/messages"
FIRE = f"{PATH}/{MESSAGES[100]}/reactions/🔥"


def ids(page: list[dict[str, Any]]) -> list[int]:
    return [int(item["id"]) for item in page]


async def test_pages_are_newest_first_and_exclusive(api: Api) -> None:
    async def page(**query: Any) -> list[int]:
        return ids((await api.get(PATH, **query))[1])

    assert await page() == MESSAGES[:-51:-1]
    assert await page(limit=3) == MESSAGES[:-4:-1]
    assert await page(limit=3, before=MESSAGES[10]) == MESSAGES[9:6:-1]
    assert await page(limit=3, after=MESSAGES[10]) == MESSAGES[13:10:-1]
    assert await page(limit=3, after=0) == MESSAGES[2::-1]
    assert await page(after=MESSAGES[-1]) == []
    assert await page(limit=5, around=MESSAGES[10]) == MESSAGES[12:7:-1]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (PATH, {"limit": "0"}, "limit"),
        (PATH, {"limit": "101"}, "limit"),
        (PATH, {"limit": "many"}, "limit"),
        (PATH, {"after": "x"}, "after"),
        (PATH, {"after": "1", "before": "2"}, "after"),
        ("/channels/general/messages", {}, "channel_id"),
        (f"/guilds/{GUILD}", {"with_counts": "maybe"}, "with_counts"),
        (FIRE, {"type": "2"}, "type"),
        (FIRE, {"limit": "101"}, "limit"),
        (f"/channels/{TEXT}/threads/archived/public", {"limit": "1"}, "limit"),
        (f"/channels/{TEXT}/threads/archived/public", {"before": "yesterday"}, "before"),
    ],
)
async def test_bad_values_are_named(api: Api, path: str, query: dict[str, str], field: str) -> None:
    status, body, _ = await api.get(path, **query)
    assert (status, body["code"], body["message"]) == (400, 50035, "Invalid Form Body")
    assert list(body["errors"]) == [field]
    assert body["errors"][field]["_errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/channels/{NOWHERE}", 404, 10003),
        (f"/channels/{NOWHERE}/messages", 404, 10003),
        (f"/guilds/{NOWHERE}", 404, 10004),
        (f"/guilds/{NOWHERE}/channels", 404, 10004),
        (f"/guilds/{GUILD}/members/{NOWHERE}", 404, 10007),
        (f"{PATH}/{NOWHERE}", 404, 10008),
        (f"{PATH}/{MESSAGES[0]}/reactions/fire", 404, 10014),
        (f"{PATH}/{NOWHERE}/reactions/🔥", 404, 10008),
        ("/no/such/route", 404, 0),
        (f"/channels/{HIDDEN}", 403, 50001),
        (f"/channels/{HIDDEN}/messages", 403, 50001),
        (f"/channels/{HIDDEN}/threads/archived/public", 403, 50001),
        (f"/channels/{CLOSED_VOICE}/messages", 403, 50001),
        (f"/channels/{NO_HISTORY}/messages/{MESSAGES[0]}", 403, 50013),
        (f"/channels/{FORUM}/messages", 400, 50024),
        (f"/channels/{CATEGORY}/messages", 400, 50024),
        (f"/channels/{VOICE}/threads/archived/public", 400, 50024),
    ],
)
async def test_refusals_have_discords_codes(api: Api, path: str, status: int, code: int) -> None:
    found, body, _ = await api.get(path)
    assert (found, body["code"]) == (status, code)
    assert body["message"]


async def test_without_history_a_channel_looks_empty(api: Api) -> None:
    assert (await api.get(f"/channels/{NO_HISTORY}/messages"))[:2] == (200, [])
    assert (await api.get(f"/channels/{NO_HISTORY}/messages/pins"))[:2] == (200, {"items": [], "has_more": False})


@pytest.mark.parametrize("token", ["wrong", "Bot simulated-token"])
async def test_a_wrong_token_is_refused(api: Api, token: str) -> None:
    assert (await api.get("/users/@me", token=token))[:2] == (401, {"message": "401: Unauthorized", "code": 0})
    assert (await api.get("/gateway", token=token))[0] == 200


async def test_without_the_privilege_messages_are_blank(sim: Simulator, api: Api) -> None:
    store = sim.world.guilds[GUILD].channels[TEXT].messages
    own = sim.change.post(TEXT, "mine", BOT.id, silent=True)
    store.put((store.get(MESSAGES[1]) or {}) | {"embeds": [{"title": "t"}], "poll": {}, "type": 19})
    store.put((store.get(MESSAGES[2]) or {}) | {"referenced_message": store.get(MESSAGES[1])})
    sim.world.application_flags = 0
    page = {int(item["id"]): item for item in (await api.get(PATH, limit=100, after=0))[1]}
    assert page[MESSAGES[0]]["content"] == ""
    assert (page[MESSAGES[1]]["embeds"], page[MESSAGES[1]]["type"], "poll" in page[MESSAGES[1]]) == ([], 19, False)
    assert page[MESSAGES[2]]["referenced_message"]["embeds"] == []
    assert (await api.get(f"{PATH}/{own['id']}"))[1]["content"] == "mine"
    assert (await api.get(f"{PATH}/{MESSAGES[0]}"))[1]["content"] == ""


async def test_short_pages_lose_nothing(sim: Simulator, api: Api) -> None:
    sim.rest.short_pages = 0.5
    lengths: list[int] = []
    found: list[int] = []
    after = 0
    while page := ids((await api.get(PATH, limit=20, after=after))[1]):
        found += reversed(page)
        lengths.append(len(page))
        after = page[0]
    assert found == MESSAGES
    assert any(length < 20 for length in lengths[:-1])
    assert any(length == 20 for length in lengths)
    assert ids((await api.get(PATH, limit=20, after=0))[1]) == ids((await api.get(PATH, limit=20, after=0))[1])


async def test_archived_threads_come_last_archived_first(api: Api) -> None:
    path = f"/channels/{TEXT}/threads/archived/public"
    _, body, _ = await api.get(path, limit=2)
    assert (ids(body["threads"]), body["has_more"]) == ([THREADS[0], THREADS[3]], True)
    edge = body["threads"][-1]["thread_metadata"]["archive_timestamp"]
    # The others of that very moment are skipped, as Discord's cursor by time alone would.
    _, body, _ = await api.get(path, limit=2, before=edge)
    assert (ids(body["threads"]), body["has_more"]) == ([THREADS[4]], False)
    _, body, _ = await api.get(path, before=iso(WORLD_NOW - timedelta(days=9)))
    assert (body["threads"], body["has_more"]) == ([], False)


async def test_who_reacted_comes_by_rising_id(api: Api) -> None:
    _, page, _ = await api.get(FIRE)
    assert ids(page) == [fan.id for fan in FANS[:25]]
    _, page, _ = await api.get(FIRE, limit=100, after=FANS[99].id)
    assert ids(page) == [fan.id for fan in FANS[100:]]
    assert (await api.get(FIRE, type=1))[1] == []


async def test_guild_routes(api: Api) -> None:
    channels = (await api.get(f"/guilds/{GUILD}/channels"))[1]
    assert HIDDEN not in ids(channels)
    assert {TEXT, QUIET, FORUM, CATEGORY, CLOSED_VOICE} <= set(ids(channels))
    assert ids((await api.get(f"/guilds/{GUILD}/roles"))[1]) == [GUILD]
    assert (await api.get(f"/guilds/{GUILD}/members/{BOT.id}"))[1]["user"]["id"] == str(BOT.id)
    assert (await api.get(f"/guilds/{GUILD}/members/{READER.id}"))[0] == 200
    assert ids((await api.get("/users/@me/guilds"))[1]) == [GUILD, OTHER_GUILD]
    assert ids((await api.get("/users/@me/guilds", after=GUILD))[1]) == [OTHER_GUILD]
    counted = (await api.get("/users/@me/guilds", with_counts="true"))[1]
    assert counted[0]["approximate_member_count"] == 3
    assert "approximate_member_count" not in (await api.get(f"/guilds/{GUILD}"))[1]
    assert (await api.get(f"/guilds/{GUILD}", with_counts="true"))[1]["approximate_member_count"] == 3


async def test_pins_and_search(sim: Simulator, api: Api) -> None:
    _, body, _ = await api.get(f"{PATH}/pins")
    assert [item["message"]["content"] for item in body["items"]] == ["pinned"]
    path = f"/guilds/{GUILD}/messages/search"
    _, body, _ = await api.get(path, limit=2)
    assert body["total_results"] == len(MESSAGES) + 1  # and the forum post; not what the bot may not read
    _, body, _ = await api.get(path, channel_id=TEXT, limit=2, offset=1)
    assert body["total_results"] == len(MESSAGES)
    assert [int(hit[0]["id"]) for hit in body["messages"]] == MESSAGES[-2:-4:-1]
    sim.world.guilds[GUILD].channels[TEXT].nsfw = True
    assert (await api.get(path, channel_id=TEXT))[1]["total_results"] == 0
    assert (await api.get(path, channel_id=TEXT, include_nsfw="true"))[1]["total_results"] == len(MESSAGES)
    sim.faults.add(Fault("indexing", "/guilds/{guild_id}/messages/search", retry_after=2))
    status, body, _ = await api.get(path)
    assert (status, body["retry_after"], body["documents_indexed"]) == (202, 2, 0)
