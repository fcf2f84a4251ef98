"""A running simulator, and discord.py pointed at it."""

from collections.abc import AsyncIterator

import discord
import pytest
import yarl

from adapters.discord.simulator import Simulator
from tests.support.clients import Api, api_of
from tests.support.small_world import small_world


@pytest.fixture
async def sim(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """A simulator of the small world, which discord.py takes for Discord."""
    async with Simulator(small_world()) as simulator:
        point_at(simulator, monkeypatch)
        yield simulator


@pytest.fixture
async def api(sim: Simulator) -> AsyncIterator[Api]:
    """A plain HTTP client of it."""
    async with api_of(sim) as client:
        yield client


def point_at(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send discord.py there instead of to Discord, until the test is over."""
    monkeypatch.setattr(discord.http.Route, "BASE", simulator.rest_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(simulator.gateway_url))
