"""The daemon over platforms that are post offices: what goes wrong there goes wrong exactly as a test wants it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar

import aiohttp

from adapters.base import PlatformAdapter
from adapters.platform import Platform
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot import app as daemon
from bot.config import load
from tests.support.daemon import Daemon
from tests.support.post_office import PostOffice
from tests.support.process import NO_TICK


class PigeonLoft(PostOffice):
    """Another platform, with a village of the same name."""

    name: ClassVar[str] = "pigeon"


@asynccontextmanager
async def delivering(
    url: str,
    offices: Mapping[str, PlatformAdapter],
    settings: Mapping[str, str] = {},
    *,
    clock: Callable[[], datetime] = daemon.utc_now,
    platforms: Mapping[str, Platform] = PLATFORMS,
) -> AsyncIterator[Daemon]:
    """Run a daemon over platforms of our own, by their names, until the block ends.

    ``platforms`` are those whose sections the configuration may have.
    """
    environment = {"PLATFORM_SYNC_DATABASE__URL": url, "PLATFORM_SYNC_HTTP__PORT": "0", **NO_TICK, **settings}
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        daemon.run(
            load(None, environment, platforms), UserHasher(), dict(offices), on_serving=serving.set_result, clock=clock
        )
    )
    await asyncio.wait([running, serving], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    try:
        async with aiohttp.ClientSession() as session:
            yield Daemon(session, await serving, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
