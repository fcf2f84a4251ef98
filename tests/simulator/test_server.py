"""The simulator as a server: discord.py reading it, its log, its process."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import aiohttp
import discord
import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.store import ListStore
from tests.support.clients import KINDS, Api, api_of, logged_in
from tests.support.small_world import (
    FANS,
    GUILD,
    HIDDEN,
    MESSAGES,
    POST,
    QUIET,
    TEXT,
    THREADS,
    small_world,
)

ROOT = Path(__file__).resolve().parents[2]
PATH = f"/channels/{TEXT}/messages"
FIRE = f"{PATH}/{MESSAGES[100]}/reactions/🔥"


@pytest.mark.parametrize("kind", KINDS)
async def test_discord_py_reads_a_history(sim: Simulator, kind: type[discord.Client]) -> None:
    async with logged_in(sim, kind) as client:
        channel = client.get_channel(TEXT)
        assert isinstance(channel, discord.TextChannel)
        history = [message.id async for message in channel.history(limit=None, oldest_first=True)]
        assert history == MESSAGES
        reaction = (await channel.fetch_message(MESSAGES[100])).reactions[0]
        assert sorted([user.id async for user in reaction.users()]) == [fan.id for fan in FANS]
        archived = [thread.id async for thread in channel.archived_threads(limit=None)]
        assert sorted(archived) == THREADS
        guild = await client.fetch_guild(GUILD)
        assert guild.approximate_member_count == 3
        assert [thread.id for thread in await channel.guild.active_threads()] == [POST]
        assert [pin.id async for pin in channel.pins()] == [MESSAGES[100]]


async def test_answers_look_as_discord_sends_them(api: Api) -> None:
    _, _, headers = await api.get("/users/@me")
    assert headers.get("Content-Type") == "application/json"
    assert headers.get("Via") == "1.1 google"


async def test_a_guild_in_an_outage_does_not_answer(sim: Simulator, api: Api) -> None:
    sim.change.set_guild_unavailable(GUILD)
    assert (await api.get(f"/guilds/{GUILD}/channels"))[0] == 503
    assert (await api.get(PATH))[0] == 503


async def test_the_gateway_is_announced(sim: Simulator, api: Api) -> None:
    sim.gateway.shards = 3
    assert (await api.get("/gateway"))[1] == {"url": sim.gateway_url}
    _, body, _ = await api.get("/gateway/bot")
    assert (body["url"], body["shards"], body["session_start_limit"]["remaining"]) == (sim.gateway_url, 3, 1000)


async def test_requests_are_counted_and_listed(sim: Simulator, api: Api) -> None:
    began = time.monotonic()
    await api.get(PATH, limit=1)
    await api.get(f"/channels/{QUIET}/messages")
    await api.get(f"/channels/{HIDDEN}/messages")
    template = "/channels/{channel_id}/messages"
    assert sim.requests.count() == sim.requests.count(template) == 3
    assert (sim.requests.count(status=200), sim.requests.count(template, 403)) == (2, 1)
    assert sim.requests.count(channel_id=TEXT) == 1
    (entry,) = sim.requests.entries(template, channel_id=TEXT)
    assert (entry.method, entry.path, dict(entry.query)) == ("GET", f"/api/v10{PATH}", {"limit": "1"})
    assert began <= entry.at_monotonic <= time.monotonic()
    assert sim.requests.counts() == {template: {"200": 2, "403": 1}}
    sim.requests.clear()
    assert (sim.requests.count(), sim.requests.entries()) == (0, [])


async def test_latency_is_added_to_every_answer() -> None:
    async with Simulator(small_world(), latency_seconds=0.05) as sim, api_of(sim) as api:
        start = time.monotonic()
        await api.get("/users/@me")
        assert time.monotonic() - start >= 0.05


class ReadyPages(ListStore):
    """A store whose pages are ready bytes."""

    def page_json(self, *, after: int | None = None, before: int | None = None, limit: int = 50) -> bytes:
        return json.dumps([{"after": after, "before": before, "limit": limit}]).encode()


async def test_ready_bytes_are_sent_as_they_are(sim: Simulator, api: Api) -> None:
    sim.world.guilds[GUILD].channels[TEXT].messages = ReadyPages()
    assert (await api.get(PATH, limit=7, after=5))[1] == [{"after": 5, "before": None, "limit": 7}]


@pytest.mark.process
@pytest.mark.slow
async def test_as_a_process_it_serves_until_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "adapters.discord.simulator"),
        *("--world", "uniform", "--channels", "2", "--messages", "10", "--limits", "truthful"),
        *("--shards", "4", "--max-concurrency", "2"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    said = json.loads(await process.stdout.readline())
    origin = said["rest_url"].removesuffix("/api/v10")
    headers = {"Authorization": f"Bot {said['token']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(said["rest_url"] + "/users/@me") as response:
            assert response.headers["X-RateLimit-Limit"] == "50"
        async with session.get(f"{origin}/_simulator/requests") as response:
            assert await response.json() == {"/users/@me": {"200": 1}}
        async with session.get(f"{origin}/_simulator/pace") as response:
            assert await response.json() == {"most_requests_a_second": 1}
        async with session.get(f"{origin}/_simulator/identifies") as response:
            assert await response.json() == {"identifies": [], "violations": 0}
        async with session.get(said["rest_url"] + "/gateway/bot") as response:
            told = await response.json()
            assert (told["shards"], told["session_start_limit"]["max_concurrency"]) == (4, 2)
        async with session.get(f"{origin}/_simulator/cpu") as response:
            assert (await response.json())["cpu_seconds"] > 0
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
