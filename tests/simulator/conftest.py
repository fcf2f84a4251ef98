"""A running simulator, and discord.py pointed at it."""

from collections.abc import AsyncIterator

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.changes import RecordedChanges, recorded_rich
from tests.support.clients import Api, api_of, point_at
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


@pytest.fixture
def recorded() -> RecordedChanges:
    return recorded_rich()


@pytest.fixture
def plain() -> RecordedChanges:
    return RecordedChanges(uniform_world(2, 300, threads=2))
