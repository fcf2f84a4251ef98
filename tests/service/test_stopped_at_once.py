"""A stop that is requested as soon as the daemon serves is heeded like any other."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.privacy import UserHasher
from bot import app
from bot.config import load
from tests.support.adapter import make_adapter

pytestmark = pytest.mark.usefixtures("restored_addresses")


@pytest.fixture
def unheeded() -> Iterator[list[int]]:
    """The signals that nobody has heeded, instead of the end of the process."""
    found: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


async def test_a_signal_at_the_first_instant_stops_the_daemon(tmp_path: Path, unheeded: list[int]) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    config = load(None, {"PLATFORM_SYNC_DATABASE__URL": url, "PLATFORM_SYNC_HTTP__PORT": "0"})
    hasher = UserHasher(None)
    async with Simulator(uniform_world(1, 1)) as sim, asyncio.timeout(30):
        adapters = {"discord": make_adapter(sim, hasher=hasher)}
        await app.run(config, hasher, adapters, on_serving=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert unheeded == []
