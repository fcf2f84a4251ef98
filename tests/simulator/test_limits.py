"""Discord's rate limits: what is counted, when it is refused, and how discord.py takes it."""

import asyncio
import time
from collections.abc import AsyncIterator

import discord
import pytest

from adapters.discord.simulator import Limits, Simulator
from adapters.discord.simulator.limits import MESSAGE_ROUTES, Limiter, Refusal, refusal_headers
from tests.support.clients import api_of, logged_in, point_at
from tests.support.small_world import GUILD, HIDDEN, MESSAGES, NO_HISTORY, QUIET, TEXT, small_world

PAGES = MESSAGE_ROUTES[0]
PATH = f"/channels/{TEXT}/messages"


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def limited(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator(small_world(), limits=Limits(channel_messages=(5, 30.0))) as simulator:
        point_at(simulator, monkeypatch)
        yield simulator


def test_a_channel_takes_five_pages_in_five_seconds(clock: Clock) -> None:
    limiter = Limiter(Limits(), clock)
    verdicts = []
    for _ in range(6):
        verdicts.append(limiter.admit(PAGES, "1"))
        clock.now += 0.5
    assert [verdict.refusal is None for verdict in verdicts] == [True] * 5 + [False]
    assert [verdict.headers["X-RateLimit-Remaining"] for verdict in verdicts] == ["4", "3", "2", "1", "0", "0"]
    refusal = verdicts[-1].refusal
    assert refusal is not None
    assert (refusal.scope, refusal.retry_after_seconds) == ("user", 2.5)
    assert limiter.admit(PAGES, "2").refusal is None  # another channel
    assert limiter.admit("/channels/{channel_id}", "1").refusal is None  # another route
    clock.now += 2.0  # the window ends five seconds after it began
    assert limiter.admit(PAGES, "1").refusal is None


def test_all_routes_together_take_fifty_a_second(clock: Clock) -> None:
    limiter = Limiter(Limits(), clock)
    assert all(limiter.admit(PAGES, str(channel)).refusal is None for channel in range(50))
    verdict = limiter.admit("/users/@me", None)
    assert verdict.refusal == Refusal(scope="global", retry_after_seconds=1.0)
    assert verdict.headers == {}
    clock.now += 1.0
    assert limiter.admit("/users/@me", None).refusal is None


def test_lying_headers_promise_much_until_the_refusal(clock: Clock) -> None:
    limiter = Limiter(Limits(headers="lying"), clock)
    verdicts = [limiter.admit(PAGES, "1") for _ in range(6)]
    said = [(verdict.headers["X-RateLimit-Limit"], verdict.headers["X-RateLimit-Remaining"]) for verdict in verdicts]
    assert said == [("1000", "999")] * 5 + [("5", "0")]
    assert verdicts[-1].refusal is not None


def test_without_enforcement_the_headers_still_tell(clock: Clock) -> None:
    limiter = Limiter(Limits(enforce=False), clock)
    verdicts = [limiter.admit(PAGES, "1") for _ in range(60)]
    assert all(verdict.refusal is None for verdict in verdicts)
    assert verdicts[-1].headers["X-RateLimit-Remaining"] == "0"


def test_too_many_invalid_requests_ban_for_the_rest_of_ten_minutes(clock: Clock) -> None:
    limiter = Limiter(Limits(invalid_per_ten_minutes=3), clock)
    limiter.answered(200, None)
    limiter.answered(429, "shared")
    limiter.answered(404, None)
    limiter.answered(401, None)
    limiter.answered(403, None)
    assert limiter.banned() is None
    clock.now += 10.0
    limiter.answered(429, "user")
    assert limiter.banned() == Refusal(scope="cloudflare", retry_after_seconds=590.0)
    clock.now += 590.0
    assert limiter.banned() is None


def test_retry_after_is_a_whole_number_of_seconds() -> None:
    assert refusal_headers(Refusal(scope="user", retry_after_seconds=0.2)) == {
        "Retry-After": "1",
        "X-RateLimit-Scope": "user",
    }
    assert refusal_headers(Refusal(scope="global", retry_after_seconds=2.1)) == {
        "Retry-After": "3",
        "X-RateLimit-Scope": "global",
        "X-RateLimit-Global": "true",
    }
    assert refusal_headers(Refusal(scope="cloudflare", retry_after_seconds=600)) == {"Retry-After": "600"}


async def test_the_sixth_page_of_a_channel_is_refused(limited: Simulator) -> None:
    async with api_of(limited) as api:
        answers = [await api.get(PATH) for _ in range(6)]
        assert [status for status, _, _ in answers] == [200] * 5 + [429]
        _, body, headers = answers[-1]
        assert body["message"] == "You are being rate limited."
        assert body["global"] is False
        assert 0 < body["retry_after"] <= 30
        assert headers["Via"] == "1.1 google"
        assert (headers["X-RateLimit-Scope"], headers["X-RateLimit-Limit"]) == ("user", "5")
        assert int(headers["Retry-After"]) - 1 < body["retry_after"] <= int(headers["Retry-After"])
        assert "X-RateLimit-Global" not in headers
        assert (await api.get(f"/channels/{QUIET}/messages"))[0] == 200
    assert limited.requests.count(status=429) == limited.requests.count(PAGES, status=429, channel_id=TEXT) == 1


async def test_a_global_429_says_so_and_names_no_bucket() -> None:
    limits = Limits(global_per_second=3)
    async with Simulator(small_world(), limits=limits) as sim, api_of(sim) as api:
        answers = await asyncio.gather(*(api.get("/users/@me") for _ in range(12)))  # not one by one: they are too slow
        status, body, headers = next(answer for answer in answers if answer[0] != 200)
        assert (status, body["global"], headers["X-RateLimit-Global"]) == (429, True, "true")
        assert headers["X-RateLimit-Scope"] == "global"
        assert "X-RateLimit-Bucket" not in headers


async def test_without_limits_no_header_speaks_of_them() -> None:
    async with Simulator(small_world()) as sim, api_of(sim) as api:
        _, _, headers = await api.get("/users/@me")
        assert not [name for name in headers if name.lower().startswith("x-ratelimit")]


async def test_invalid_requests_end_in_a_page_of_cloudflare() -> None:
    async with Simulator(small_world(), limits=Limits(invalid_per_ten_minutes=3)) as sim, api_of(sim) as api:
        for _ in range(2):
            assert (await api.get(f"/channels/{HIDDEN}"))[0] == 403
        assert (await api.get("/users/@me", token="wrong"))[0] == 401
        status, body, headers = await api.get("/users/@me")
        assert status == 429
        assert "1015" in body
        assert headers["Content-Type"] == "text/html"
        assert "Via" not in headers
        assert int(headers["Retry-After"]) > 500


@pytest.mark.slow
async def test_discord_py_waits_for_truthful_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never sees a 429: it sleeps on the bucket's last token, before it hands the page out."""
    async with Simulator(small_world(), limits=Limits(channel_messages=(5, 0.5))) as sim:
        point_at(sim, monkeypatch)
        async with logged_in(sim) as client:
            start = time.monotonic()
            for _ in range(6):
                await client.http.logs_from(TEXT, 100)
            assert time.monotonic() - start >= 0.3
    assert sim.requests.count(status=429) == 0


@pytest.mark.slow
async def test_discord_py_runs_into_lying_headers_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(channel_messages=(5, 4.0), headers="lying")
    async with Simulator(small_world(), limits=limits) as sim:
        point_at(sim, monkeypatch)
        async with logged_in(sim, discord.AutoShardedClient) as client:
            history = [message async for message in client.get_partial_messageable(TEXT).history(limit=None)]
            for _ in range(3):
                await client.http.logs_from(TEXT, 100)
    assert len(history) == len(MESSAGES)
    assert sim.requests.count(PAGES, status=429) == 1


async def test_a_channel_without_readable_history_is_limited_too(limited: Simulator) -> None:
    async with api_of(limited) as api:
        statuses = [(await api.get(f"/channels/{NO_HISTORY}/messages"))[0] for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        assert (await api.get(f"/guilds/{GUILD}"))[0] == 200
