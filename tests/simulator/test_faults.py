"""Every fault as its client sees it, and which requests it strikes."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import discord
import pytest

from adapters.discord.simulator import EVERYDAY, Fault, Simulator
from adapters.discord.simulator.faults import Faults
from tests.support.clients import Api, logged_in, raw_gateway
from tests.support.small_world import QUIET, TEXT

PAGES = "/channels/{channel_id}/messages"
PATH = f"/channels/{TEXT}/messages"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_errors_of_the_server_are_discords_json(sim: Simulator, api: Api, status: int) -> None:
    sim.faults.add(Fault("status", status=status))
    found, body, headers = await api.get(PATH)
    assert (found, body["code"], headers["Via"]) == (status, 0, "1.1 google")
    assert (await api.get(PATH))[0] == 200


async def test_errors_of_a_proxy_are_pages(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("status", status=502, html=True), Fault("status", status=520))
    status, body, headers = await api.get(PATH)
    assert (status, headers["Content-Type"], "Via" in headers) == (502, "text/html", True)
    assert "Bad Gateway" in body
    status, _, headers = await api.get(PATH)
    assert (status, headers["Content-Type"], "Via" in headers) == (520, "text/html", False)


@pytest.mark.parametrize("scope", ["user", "global", "shared"])
async def test_a_429_names_its_scope(sim: Simulator, api: Api, scope: Any) -> None:
    sim.faults.add(Fault("rate_limit", scope=scope, retry_after=1.5))
    status, body, headers = await api.get(PATH)
    assert (status, body["retry_after"], body["global"]) == (429, 1.5, scope == "global")
    assert (headers["Retry-After"], headers["X-RateLimit-Scope"], headers["Via"]) == ("2", scope, "1.1 google")
    assert ("X-RateLimit-Global" in headers) == (scope == "global")


async def test_a_429_of_cloudflare_is_a_page_without_via(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("rate_limit", scope="cloudflare", retry_after=30))
    status, _, headers = await api.get(PATH)
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (429, "text/html", "30")
    assert "Via" not in headers


async def test_a_reset_comes_before_the_headers(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("reset"))
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await api.get(PATH)
    assert caught.value.errno == 104
    assert (await api.get(PATH))[0] == 200
    assert [entry.status for entry in sim.requests.entries(PAGES)] == [0, 200]


async def test_a_close_comes_before_the_headers(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("close"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.get(PATH)
    assert sim.requests.count(status=0) == 1


async def test_a_truncated_body_breaks_off(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("truncated"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(PATH)
    assert sim.requests.count(status=200) == 1


async def test_a_truncated_body_may_be_a_small_one(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("truncated"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(f"/channels/{QUIET}/messages")


@pytest.mark.parametrize("channel", [TEXT, QUIET])
async def test_invalid_json_is_a_complete_body(sim: Simulator, api: Api, channel: int) -> None:
    sim.faults.add(Fault("invalid_json"))
    with pytest.raises(json.JSONDecodeError):
        await api.get(f"/channels/{channel}/messages")


@pytest.mark.parametrize(("path", "body"), [(f"/channels/{TEXT}/messages", []), (f"/channels/{TEXT}", {})])
async def test_an_empty_answer_is_a_good_one_without_anything(sim: Simulator, api: Api, path: str, body: Any) -> None:
    sim.faults.add(Fault("empty"))
    assert (await api.get(path))[:2] == (200, body)
    assert (await api.get(path))[1]


@pytest.mark.parametrize("flags", [0, None])
async def test_content_is_withheld_by_rest_and_from_sessions_that_have_begun(
    sim: Simulator, api: Api, flags: int | None
) -> None:
    async with raw_gateway(sim) as gateway:
        await gateway.identify()
        await gateway.until("GUILD_CREATE")
        sim.world.withholds_content = flags is None
        sim.world.application_flags = sim.world.application_flags if flags is None else flags
        posted = sim.change.post(QUIET, "unseen")
        assert (await gateway.until("MESSAGE_CREATE"))[-1]["d"]["content"] == ""
    (seen,) = (await api.get(f"/channels/{QUIET}/messages", limit=1))[1]
    assert (seen["id"], seen["content"]) == (posted["id"], "")


async def test_a_hung_request_is_logged_and_never_answered(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("hang"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await api.get(PATH)
    assert [entry.status for entry in sim.requests.entries()] == [0]
    assert (await api.get(PATH))[0] == 200


@pytest.mark.slow
async def test_stopping_ends_hung_requests(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("hang"))
    hung = asyncio.create_task(api.get(PATH))
    while not sim.requests.count():  # noqa: ASYNC110 (the log has no event to wait for)
        await asyncio.sleep(0.005)
    await sim.stop()
    with pytest.raises(aiohttp.ClientError):
        await hung


async def test_a_slow_answer_is_the_true_one(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("slow", seconds=0.1))
    start = time.monotonic()
    status, body, _ = await api.get(PATH)
    assert (status, len(body)) == (200, 50)
    assert time.monotonic() - start >= 0.1


async def test_faults_know_routes_and_channels(sim: Simulator, api: Api) -> None:
    sim.faults.add(Fault("status", PAGES, channel_id=TEXT, times=None))
    answers = [await api.get(path) for path in ("/users/@me", f"/channels/{QUIET}/messages", PATH, PATH)]
    assert [status for status, _, _ in answers] == [200, 200, 500, 500]
    sim.faults.clear()
    assert (await api.get(PATH))[0] == 200


def test_faults_count_the_requests_they_are_meant_for() -> None:
    faults = Faults()
    faults.add(Fault("status", PAGES, after=2, every=3, times=2))
    struck = [faults.strike(PAGES, 1) is not None for _ in range(12)]
    assert [number for number, hit in enumerate(struck, 1) if hit] == [5, 8]
    assert faults.strike("/users/@me", None) is None


def test_the_oldest_fault_strikes_first() -> None:
    faults = Faults()
    faults.add(Fault("reset"), Fault("close"))
    kinds = [fault.kind if fault else None for fault in (faults.strike(PAGES, 1) for _ in range(3))]
    assert kinds == ["reset", "close", None]


def test_scattered_faults_come_by_seeded_chance() -> None:
    def struck(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.scatter(one_in=10, seed=seed, route=PAGES)
        return [faults.strike(PAGES, 1) for _ in range(2_000)]

    first = struck(1)
    assert first == struck(1) != struck(2)
    hits = [fault for fault in first if fault is not None]
    assert 140 <= len(hits) <= 260
    assert {fault.kind for fault in hits} == {fault.kind for fault in EVERYDAY}


def test_scattered_faults_keep_to_their_route() -> None:
    faults = Faults()
    faults.scatter(one_in=1, route=PAGES)
    assert faults.strike("/users/@me", None) is None
    assert faults.strike(PAGES, 1) is not None


async def test_discord_py_gives_up_at_once_on_a_503(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault("status", PAGES, status=503, times=None))
        with pytest.raises(discord.DiscordServerError):
            await client.http.logs_from(TEXT, 100)
    assert sim.requests.count(PAGES) == 1


@pytest.mark.slow
async def test_discord_py_tries_again_after_a_500(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault("status", PAGES, status=500))
        assert len(await client.http.logs_from(TEXT, 100)) == 100
    assert [entry.status for entry in sim.requests.entries(PAGES)] == [500, 200]


@pytest.mark.slow
async def test_discord_py_sleeps_on_a_429_of_discord(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault("rate_limit", PAGES, retry_after=0.2))
        await client.http.logs_from(TEXT, 100)
    first, second = sim.requests.entries(PAGES)
    assert (first.status, second.status) == (429, 200)
    assert second.at_monotonic - first.at_monotonic >= 0.2


async def test_discord_py_raises_a_429_of_cloudflare(sim: Simulator) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault("rate_limit", PAGES, scope="cloudflare"))
        with pytest.raises(discord.HTTPException) as caught:
            await client.http.logs_from(TEXT, 100)
    assert caught.value.status == 429


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", aiohttp.ClientOSError),
        ("close", aiohttp.ServerDisconnectedError),
        ("truncated", aiohttp.ClientPayloadError),
        ("invalid_json", json.JSONDecodeError),
    ],
)
async def test_what_broken_connections_are_to_discord_py(sim: Simulator, kind: Any, error: type[Exception]) -> None:
    async with logged_in(sim) as client:
        sim.faults.add(Fault(kind, PAGES, times=None))
        with pytest.raises(error):
            await client.http.logs_from(TEXT, 100)
    # aiohttp sends a GET once more by itself where the connection broke before the headers.
    assert sim.requests.count(PAGES) == (2 if kind in ("reset", "close") else 1)
